//! The access log: one line for each request, once its response was sent.
//!
//! The file is opened by main, so that it may lie where the router has no rights. Router threads
//! only format their lines; a thread of its own writes them ([`file`]).

mod file;
mod format;

use std::sync::Arc;

use crate::conf::config;
use crate::conf::template::TemplateError;
use crate::http::response;
use crate::router::connection::Connection;
use crate::router::request::Request;
use crate::router::template::Condition;
use crate::router::variable::{AddedFields, ResponseFacts};
pub(crate) use file::LogFile;
use format::Format;

/// `access_log`, compiled.
pub struct AccessLog {
    format: Format,
    condition: Option<Condition>,
    file: Arc<LogFile>,
}

impl AccessLog {
    pub(super) fn compile(
        conf: &config::AccessLog,
        file: Arc<LogFile>,
    ) -> Result<AccessLog, TemplateError> {
        let condition = conf.condition.as_deref().map(Condition::compile);
        Ok(AccessLog {
            format: Format::compile(&conf.format)?,
            condition: condition.transpose()?,
            file,
        })
    }

    /// The file, which outlives a configuration if the next one names it too.
    pub(super) fn file(&self) -> &Arc<LogFile> {
        &self.file
    }

    /// Records a request, if the condition holds. What is in `line` goes.
    fn record(&self, request: &mut Request, response: &ResponseFacts<'_>, line: &mut Vec<u8>) {
        if let Some(condition) = &self.condition
            && !condition.holds(request, response)
        {
            return;
        }
        line.clear();
        self.format.write(request, response, line);
        self.file.append(line);
    }
}

impl Connection {
    /// Records the request in the access log.
    pub(super) fn record(&mut self, log: &AccessLog, server_version: bool) {
        let facts = match self.written {
            Some((framing, head)) => ResponseFacts {
                status: self.response.status,
                body_bytes_sent: self.client.sent.saturating_sub(head as u64),
                fields: Some(&self.response.fields),
                connection: framing.connection,
                content_length: self.response.content_length,
                chunked: framing.chunked,
                added: Some(AddedFields {
                    server: response::server(server_version),
                    date: framing.date,
                }),
            },
            None => ResponseFacts {
                status: self.response.status,
                ..ResponseFacts::default()
            },
        };
        log.record(&mut self.request, &facts, &mut self.out);
    }
}
