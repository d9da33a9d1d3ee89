//! Answering with a file: small ones in one system call together with the head, large ones by
//! sendfile(2), so that neither takes more memory than one small file.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use crate::router::client::SendError;
use crate::router::connection::{Connection, Next, after};

/// So much of a file is read and sent with the head.
const FIRST_PART: u64 = 32 * 1024;

impl Connection {
    /// Sends the head in the output buffer, then `len` bytes of `file`.
    pub(super) async fn send_file(&mut self, file: &File, len: u64, keep_alive: bool) -> Next {
        match self.try_send_file(file, len).await {
            Ok(()) => after(keep_alive),
            Err(error) => {
                if error == SendError::File {
                    crate::error!(conn: self.request.connection,
                        "a file became shorter or unreadable while it was sent");
                }
                error.into()
            }
        }
    }

    async fn try_send_file(&mut self, file: &File, len: u64) -> Result<(), SendError> {
        let first = len.min(FIRST_PART);
        let head = self.out.len();
        self.out.resize(head + first as usize, 0);
        if file.read_exact_at(&mut self.out[head..], 0).is_err() {
            return Err(SendError::File);
        }
        self.client.send(&mut [io::IoSlice::new(&self.out)]).await?;
        if first < len {
            self.client
                .send_file(file.as_fd(), first, len - first)
                .await?;
        }
        Ok(())
    }
}
