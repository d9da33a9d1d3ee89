//! Echoes the method, the path and the body; two threads, each with a context of its own.

use std::io::Read;

use unit_rs::{Request, Unit, UnitError};

fn serve(mut unit: Unit) {
    unit.set_request_handler(|request: Request| {
        let mut body = Vec::new();
        request.body().read_to_end(&mut body).map_err(|_| UnitError::error())?;
        let head = format!("{} {} {}\n", request.method(), request.path(), body.len());
        let answer = [head.as_bytes(), &body].concat();
        request.send_response(200, &[("X-Client", "unit-rs")], &answer)?;
        Ok(())
    });
    unit.run();
}

fn main() {
    let unit = Unit::new().expect("started by unitd");
    let thread = std::thread::spawn(|| serve(Unit::new().expect("a second context")));
    serve(unit);
    thread.join().expect("the thread ends with its context");
}
