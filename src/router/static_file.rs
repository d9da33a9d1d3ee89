//! The `share` action: from the path of a request to an open file.
//!
//! Files are opened without blocking (a fifo cannot hold up the thread) and only regular ones are
//! sent. `chroot`, `follow_symlinks` and `traverse_mounts` are kept by the kernel (openat2).

use std::borrow::Cow;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;

use crate::http::encoding::encode_path;
use crate::http::mime::{MimeTypes, extension};
use crate::http::response::{Response, http_date};
use crate::router::request::Request;
use crate::router::route::Outcome;
use crate::router::route::pattern::PatternList;
use crate::router::route::text::Text;
use crate::router::template::Template;
use crate::router::variable::ResponseFacts;
use crate::{alert, error};

/// A `share` action, compiled.
#[derive(Debug)]
pub(super) struct Share {
    /// Tried in order.
    pub(super) paths: Vec<Template>,
    pub(super) index: Vec<u8>,
    pub(super) types: Option<PatternList>,
    pub(super) chroot: Option<Template>,
    pub(super) follow_symlinks: bool,
    pub(super) traverse_mounts: bool,
}

/// What came of a share.
pub(super) enum Served {
    /// A file, a redirection to a directory, or an error that no fallback can help.
    Answer(Outcome),
    /// Nothing, with the status to send if there is no fallback.
    Refused(u16),
}

/// How often an open is repeated that the kernel could not finish because of concurrent renames.
const OPEN_ATTEMPTS: usize = 8;

/// Looks for the file that a request asks for.
pub(super) fn serve(share: &Share, mime_types: &MimeTypes, request: &mut Request) -> Served {
    if request.head.method() != b"GET" && request.head.method() != b"HEAD" {
        return Served::Refused(405);
    }
    let facts = ResponseFacts::default();
    let chroot = share
        .chroot
        .as_ref()
        .map(|template| template.evaluate(request, &facts));
    let chroot = chroot.as_deref().filter(|chroot| !chroot.is_empty());
    let mut refused = 404;
    for template in &share.paths {
        let path = template.evaluate(request, &facts);
        match serve_path(share, &path, chroot, mime_types, request) {
            Served::Refused(status) => refused = status,
            answer => return answer,
        }
    }
    Served::Refused(refused)
}

fn serve_path(
    share: &Share,
    path: &[u8],
    chroot: Option<&[u8]>,
    mime_types: &MimeTypes,
    request: &Request,
) -> Served {
    let directory = path.last() == Some(&b'/');
    let mime = mime_types.get(extension(if directory { &share.index } else { path }));
    if let (false, Some(types)) = (directory, &share.types) {
        match types.matches(mime.as_bytes()) {
            Ok(true) => {}
            Ok(false) => return Served::Refused(403),
            Err(failure) => {
                error!(conn: request.connection, "matching a regular expression failed: {failure}");
                return Served::Answer(Outcome::Error(500));
            }
        }
    }
    let name = match directory {
        true => Cow::Owned([path, &share.index].concat()),
        false => Cow::Borrowed(path),
    };
    if name.is_empty() || name.contains(&0) {
        return Served::Refused(404);
    }
    match open_file(share, &name, chroot) {
        Ok(file) => serve_file(File::from(file), &name, directory, mime, request),
        Err(errno) => refuse(errno, &name, chroot, request),
    }
}

fn refuse(errno: Errno, name: &[u8], chroot: Option<&[u8]>, request: &Request) -> Served {
    let status = match errno {
        // ENXIO: a socket.
        Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG | Errno::ENXIO => {
            return Served::Refused(404);
        }
        Errno::EACCES | Errno::ELOOP | Errno::EXDEV => 403,
        _ => 500,
    };
    let place = chroot.map_or(String::new(), |chroot| format!(" at \"{}\"", Text(chroot)));
    let (name, number, text) = (Text(name), errno as i32, errno.desc());
    if status == 403 {
        error!(conn: request.connection, "opening \"{name}\"{place} failed ({number}: {text})");
        Served::Refused(403)
    } else {
        alert!(conn: request.connection, "opening \"{name}\"{place} failed ({number}: {text})");
        Served::Answer(Outcome::Error(500))
    }
}

fn open_file(share: &Share, name: &[u8], chroot: Option<&[u8]>) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let mut resolve = ResolveFlag::empty();
    resolve.set(ResolveFlag::RESOLVE_NO_SYMLINKS, !share.follow_symlinks);
    resolve.set(ResolveFlag::RESOLVE_NO_XDEV, !share.traverse_mounts);
    let Some(chroot) = chroot else {
        if resolve.is_empty() {
            return open(name, flags, Mode::empty());
        }
        return open_resolved(AT_FDCWD, name, flags, resolve);
    };
    let inside = strip_chroot(chroot, name).ok_or(Errno::EACCES)?;
    let root = open(
        chroot,
        OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
        Mode::empty(),
    )?;
    open_resolved(
        root.as_fd(),
        inside,
        flags,
        resolve | ResolveFlag::RESOLVE_IN_ROOT,
    )
}

fn open_resolved(
    directory: impl AsFd,
    name: &[u8],
    flags: OFlag,
    resolve: ResolveFlag,
) -> Result<OwnedFd, Errno> {
    let how = OpenHow::new().flags(flags).resolve(resolve);
    for _ in 1..OPEN_ATTEMPTS {
        match openat2(directory.as_fd(), name, how) {
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            result => return result,
        }
    }
    openat2(directory.as_fd(), name, how)
}

/// The part of a name that lies inside a root directory; repeated slashes do not count. `None` if
/// it lies outside or is the root itself.
fn strip_chroot<'a>(chroot: &[u8], name: &'a [u8]) -> Option<&'a [u8]> {
    if chroot.first() != name.first() {
        return None;
    }
    let mut rest = name;
    let mut slash = false;
    let mut text = chroot;
    while let Some((&byte, tail)) = text.split_first() {
        text = tail;
        if byte == b'/' {
            if !slash {
                rest = rest.strip_prefix(b"/")?;
            }
            rest = skip_slashes(rest);
        } else {
            rest = rest.strip_prefix(&[byte])?;
        }
        slash = byte == b'/';
    }
    if !slash {
        rest = rest.strip_prefix(b"/")?;
    }
    let inside = skip_slashes(rest);
    (!inside.is_empty()).then_some(inside)
}

fn skip_slashes(text: &[u8]) -> &[u8] {
    let slashes = text.iter().take_while(|&&byte| byte == b'/').count();
    &text[slashes..]
}

fn serve_file(file: File, name: &[u8], directory: bool, mime: &str, request: &Request) -> Served {
    let metadata = match file.metadata() {
        Ok(metadata) => metadata,
        Err(failure) => {
            alert!(conn: request.connection, "fstat(\"{}\") failed: {failure}", Text(name));
            return Served::Answer(Outcome::Error(500));
        }
    };
    if metadata.is_dir() && !directory {
        return Served::Answer(Outcome::Response(redirect(request)));
    }
    if !metadata.is_file() {
        error!(conn: request.connection, "\"{}\" is not a regular file", Text(name));
        return Served::Refused(404);
    }
    let mut response = Response::new(200);
    let len = metadata.len();
    response.content_length = Some(len);
    response
        .fields
        .push(b"Last-Modified", &http_date(metadata.mtime()));
    response.fields.push(
        b"ETag",
        format!("\"{:x}-{len:x}\"", metadata.mtime()).as_bytes(),
    );
    if !mime.is_empty() {
        response.fields.push(b"Content-Type", mime.as_bytes());
    }
    Served::Answer(if len == 0 || request.head.method() == b"HEAD" {
        Outcome::Response(response)
    } else {
        Outcome::File {
            response,
            file,
            len,
        }
    })
}

/// To the same path with a slash, the query kept.
fn redirect(request: &Request) -> Response {
    let mut location = Vec::with_capacity(request.head.target().len() + 1);
    encode_path(&mut location, request.path());
    location.push(b'/');
    if !request.head.query().is_empty() {
        location.push(b'?');
        location.extend_from_slice(request.head.query());
    }
    let mut response = Response::new(301);
    response.content_length = Some(0);
    response.fields.push(b"Location", &location);
    response
}

#[cfg(test)]
#[path = "static_file_tests.rs"]
mod tests;
