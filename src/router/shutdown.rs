//! The graceful end of the router: no further connection, the requests in progress are finished,
//! and when `settings.shutdown_timeout` is over, so is the patience with those that are left.

use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use super::control::Control;
use crate::conf::config::Settings;

/// What WebSocket clients have to read their close frame and to close.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Ends the service and then has the process leave.
pub(super) async fn finish(control: Rc<Control>, leave: UnboundedSender<i32>) {
    let limit = match &*control.generation.borrow() {
        Some(generation) => generation.shutdown_timeout,
        None => Settings::default().shutdown_timeout,
    };
    let closed = control.threads.borrow_mut().retire();
    for thread in closed {
        let _ = thread.await;
    }
    // The threads have let go of them.
    control.sockets.borrow_mut().clear();
    let mut gone = Box::pin(poll_fn(|cx| control.threads.borrow_mut().poll_gone(cx)));
    match limit {
        None => gone.await,
        Some(limit) => {
            if timeout(limit, &mut gone).await.is_err() {
                let open = control.threads.borrow().open_connections();
                crate::notice!(
                    "{open} connections are still open after {} s and are closed",
                    limit.as_secs()
                );
                control.threads.borrow().expire();
                let _ = timeout(LAST_WORDS, gone).await;
            }
        }
    }
    let _ = leave.send(0);
}
