//! Receiving the body of a request: into memory, or into an unlinked temporary file.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use crate::http::chunked::{ChunkedDecoder, Decoded};
use crate::http::request::BodyLength;
use crate::router::body::Body;
use crate::router::client::{Client, Received};

/// The settings that a body is received under.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodySettings<'a> {
    /// `body_read_timeout`
    pub timeout: Duration,
    /// `body_buffer_size`
    pub buffer_size: usize,
    /// `max_body_size`
    pub max_size: u64,
    /// Where temporary files go.
    pub temp_path: &'a Path,
    /// The connection's number, for the log.
    pub connection: u64,
}

/// Why a body was not received.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The client left; there is nobody to answer.
    #[error("connection closed by the client")]
    Closed,
    /// Nothing arrived within `body_read_timeout`.
    #[error("client timed out")]
    TimedOut,
    /// The chunks break the syntax.
    #[error("malformed chunked body")]
    Malformed,
    /// The chunks add up to more than `max_body_size`.
    #[error("request body is too large")]
    TooLarge,
    /// The temporary file failed.
    #[error("temporary file: {0}")]
    File(#[from] io::Error),
}

impl BodyError {
    /// The status to answer with, if there is somebody to answer.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            BodyError::Closed => None,
            BodyError::TimedOut => Some(408),
            BodyError::Malformed => Some(400),
            BodyError::TooLarge => Some(413),
            BodyError::File(_) => Some(500),
        }
    }
}

/// Receives a whole body. Bytes behind it stay in the client's input buffer.
pub(super) async fn receive_body(
    client: &mut Client,
    length: BodyLength,
    settings: &BodySettings<'_>,
) -> Result<Body, BodyError> {
    let result = match length {
        BodyLength::Known(0) => return Ok(Body::Empty),
        BodyLength::Known(length) if length <= settings.buffer_size as u64 => {
            to_memory(client, length as usize, settings).await
        }
        BodyLength::Known(length) => to_file(client, length, settings).await,
        BodyLength::Chunked => chunked(client, settings).await,
    };
    if let Err(BodyError::File(error)) = &result {
        let folder = settings.temp_path.display();
        crate::alert!(conn: settings.connection, "temporary file in \"{folder}\" failed: {error}");
    }
    result
}

async fn to_memory(
    client: &mut Client,
    length: usize,
    settings: &BodySettings<'_>,
) -> Result<Body, BodyError> {
    let mut body = vec![0; length];
    let mut filled = client.input.data().len().min(length);
    body[..filled].copy_from_slice(&client.input.data()[..filled]);
    client.input.take(filled);
    while filled < length {
        client.deadline.set(settings.timeout);
        let rest = &mut body[filled..];
        filled += bytes(poll_fn(|cx| client.poll_receive_into(cx, rest)).await)?;
    }
    Ok(Body::Memory(body))
}

async fn to_file(
    client: &mut Client,
    length: u64,
    settings: &BodySettings<'_>,
) -> Result<Body, BodyError> {
    let mut file = temp_file(settings.temp_path)?;
    let buffered = client.input.data();
    let take = usize::try_from(length).map_or(buffered.len(), |n| n.min(buffered.len()));
    file.write_all(&buffered[..take])?;
    client.input.take(take);
    let mut left = length - take as u64;
    while left > 0 {
        client.deadline.set(settings.timeout);
        let (received, written) =
            poll_fn(|cx| client.poll_receive_with(cx, left, |piece| file.write_all(piece))).await;
        left -= bytes(received)? as u64;
        written.transpose()?;
    }
    Ok(Body::File(file, length))
}

/// What was decoded of a chunked body: in memory until it outgrows the buffer.
enum Sink {
    Memory(Vec<u8>),
    File(File, u64),
}

impl Sink {
    fn append(&mut self, data: &[u8], settings: &BodySettings<'_>) -> Result<(), BodyError> {
        let have = match self {
            Sink::Memory(bytes) => bytes.len() as u64,
            Sink::File(_, length) => *length,
        };
        let total = have.saturating_add(data.len() as u64);
        if total > settings.max_size {
            return Err(BodyError::TooLarge);
        }
        match self {
            Sink::Memory(bytes) if total <= settings.buffer_size as u64 => {
                bytes.extend_from_slice(data);
            }
            Sink::Memory(bytes) => {
                let mut file = temp_file(settings.temp_path)?;
                file.write_all(bytes)?;
                file.write_all(data)?;
                *self = Sink::File(file, total);
            }
            Sink::File(file, length) => {
                file.write_all(data)?;
                *length = total;
            }
        }
        Ok(())
    }
}

async fn chunked(client: &mut Client, settings: &BodySettings<'_>) -> Result<Body, BodyError> {
    let mut decoder = ChunkedDecoder::new();
    let mut sink = Sink::Memory(Vec::new());
    loop {
        let mut rest = client.input.data();
        let before = rest.len();
        let ended = loop {
            match decoder
                .decode(&mut rest)
                .map_err(|_| BodyError::Malformed)?
            {
                Decoded::Data(data) => sink.append(data, settings)?,
                Decoded::Partial => break false,
                Decoded::End => break true,
            }
        };
        let used = before - rest.len();
        client.input.take(used);
        if ended {
            break;
        }
        client.deadline.set(settings.timeout);
        bytes(client.receive().await)?;
    }
    Ok(match sink {
        Sink::Memory(bytes) if bytes.is_empty() => Body::Empty,
        Sink::Memory(bytes) => Body::Memory(bytes),
        Sink::File(file, length) => Body::File(file, length),
    })
}

fn bytes(received: Received) -> Result<usize, BodyError> {
    match received {
        Received::Bytes(count) => Ok(count),
        Received::Closed => Err(BodyError::Closed),
        Received::TimedOut => Err(BodyError::TimedOut),
    }
}

/// A file that has no name, or none any more.
fn temp_file(folder: &Path) -> io::Result<File> {
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    match open(folder, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
        Ok(fd) => Ok(File::from(fd)),
        // Some file systems have no nameless files.
        Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL) => {
            let (fd, path) = nix::unistd::mkstemp(&folder.join("req-XXXXXXXX"))?;
            std::fs::remove_file(path)?;
            Ok(File::from(fd))
        }
        Err(errno) => Err(errno.into()),
    }
}

/// The whole body as bytes, for tests.
#[cfg(test)]
pub(super) fn contents(body: &mut Body) -> Vec<u8> {
    use std::io::{Read, Seek};
    match body {
        Body::Empty => Vec::new(),
        Body::Memory(bytes) => bytes.clone(),
        Body::File(file, _) => {
            let mut bytes = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut bytes).unwrap();
            bytes
        }
    }
}
