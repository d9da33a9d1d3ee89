//! The storing process is killed at every step: it runs under ptrace(2), and a round ends it with
//! SIGKILL as it enters, or has left, its nth system call. What the next start loads must be the
//! old or the new content. Losing the machine's memory too is not covered by that; for it the order
//! of the calls is checked: synced before renamed, and the folder after.
//!
//! The process is this test binary again, made to run [`storing_process`].

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::State;
use super::tests::folder;

/// What the storing process is to do, and where.
const SCENARIO: &str = "NXT_TEST_STORE";
const FOLDER: &str = "NXT_TEST_FOLDER";

const OLD: &[u8] = br#"{"listeners":{},"old":1}"#;
/// Longer than what is written at once by whatever buffers.
static NEW: &[u8] = &[b'n'; 100_000];

/// Stores while its parent traces it, between two stops.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn storing_process() {
    let (Ok(scenario), Ok(folder)) = (std::env::var(SCENARIO), std::env::var(FOLDER)) else {
        return;
    };
    let mut state = State::new(folder.as_ref());
    state.load();
    fs::write(
        format!("{folder}.thread"),
        nix::unistd::gettid().to_string(),
    )
    .unwrap();
    ptrace::traceme().unwrap();
    raise(Signal::SIGSTOP).unwrap();
    match &*scenario {
        "certificate" => state.certificates.put(b"entry", NEW).unwrap(),
        scenario => {
            state.prepare(NEW).unwrap();
            state.commit(scenario == "rejected").unwrap();
        }
    }
    raise(Signal::SIGSTOP).unwrap();
}

/// A storing process whose test thread has stopped before its first step.
struct Storing {
    process: Child,
    thread: Pid,
}

impl Storing {
    fn start(scenario: &str, folder: &Path) -> Storing {
        let announced = folder.with_added_extension("thread");
        let _ = fs::remove_file(&announced);
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact"])
            .arg("process::state::crash_tests::storing_process")
            .env(SCENARIO, scenario)
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut thread = None;
        for _ in 0..10_000 {
            let text = fs::read_to_string(&announced).unwrap_or_default();
            thread = text.parse().ok().map(Pid::from_raw);
            // Until it asks to be traced it is not a thread that can be waited for.
            let stopped = thread.map(|thread| waitpid(thread, Some(WaitPidFlag::__WALL)));
            if let Some(Ok(stopped)) = stopped {
                assert!(matches!(stopped, WaitStatus::Stopped(_, Signal::SIGSTOP)));
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let thread = thread.expect("the storing process did not start");
        fs::remove_file(announced).unwrap();
        ptrace::setoptions(thread, ptrace::Options::PTRACE_O_TRACESYSGOOD).unwrap();
        Storing { process, thread }
    }

    fn wait(&self) -> WaitStatus {
        waitpid(self.thread, Some(WaitPidFlag::__WALL)).unwrap()
    }

    /// Runs to the next beginning or end of a system call; false if it has stored everything.
    fn step(&self) -> bool {
        ptrace::syscall(self.thread, None).unwrap();
        match self.wait() {
            WaitStatus::PtraceSyscall(_) => true,
            WaitStatus::Stopped(_, Signal::SIGSTOP) => false,
            other => panic!("{other:?}"),
        }
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        assert!(matches!(
            self.wait(),
            WaitStatus::Signaled(_, Signal::SIGKILL, _)
        ));
        self.process.wait().unwrap();
    }
}

/// Kills a storing process at each of its steps; how many there were, and how many of them came
/// before the new content was in place.
fn kill_at_every_step(
    scenario: &str,
    set_up: impl Fn(&Path),
    loaded: impl Fn(&Path) -> Option<Vec<u8>>,
    old: Option<&[u8]>,
) -> (usize, usize) {
    let folder = folder(&format!("crash-{scenario}-{}", old.is_some()));
    let (mut steps, mut before) = (0, 0);
    loop {
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        State::new(&folder).make_folders();
        set_up(&folder);
        let process = Storing::start(scenario, &folder);
        let mut at = 0;
        while at < steps && process.step() {
            at += 1;
        }
        process.kill();
        let found = loaded(&folder);
        match found.as_deref() {
            Some(found) if found == NEW => {}
            found if found == old => before += 1,
            other => panic!("{scenario}, step {at}: {other:?}"),
        }
        let left = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
        let left: Vec<_> = left
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|suffix| suffix == "tmp"))
            .collect();
        assert!(left.is_empty(), "{scenario}, step {at}: {left:?}");
        if at < steps {
            println!("{scenario}: {steps} rounds, {before} of them left the old content");
            fs::remove_dir_all(&folder).unwrap();
            return (steps, before);
        }
        steps += 1;
    }
}

fn load(folder: &Path) -> Option<Vec<u8>> {
    State::new(folder).load()
}

fn set_up_old(folder: &Path) {
    fs::write(folder.join("conf.json"), OLD).unwrap();
    fs::write(folder.join("version"), "13500").unwrap();
}

#[test]
fn a_kill_at_any_step_leaves_the_old_or_the_new_configuration() {
    let without_version = |folder: &Path| fs::write(folder.join("conf.json"), OLD).unwrap();
    let scenarios = [
        kill_at_every_step("replace", set_up_old, load, Some(OLD)),
        kill_at_every_step("upgrade", without_version, load, Some(OLD)),
        kill_at_every_step("first", |_| {}, load, None),
    ];
    for (steps, before) in scenarios {
        // Each call has a beginning and an end: open, write, fsync, rename, open, fsync at least.
        assert!(steps > 12 && (1..steps).contains(&before), "{scenarios:?}");
    }
}

#[test]
fn a_kill_at_any_step_loses_no_rejected_configuration() {
    let load = |folder: &Path| {
        let conf = load(folder);
        let aside = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .find(|entry| {
                entry
                    .file_name()
                    .as_encoded_bytes()
                    .starts_with(b"conf.json.rej")
            });
        if conf.as_deref() == Some(NEW) {
            assert_eq!(fs::read(aside.unwrap().path()).unwrap(), OLD);
        }
        conf
    };
    let (steps, before) = kill_at_every_step("rejected", set_up_old, load, Some(OLD));
    assert!((1..steps).contains(&before));
}

#[test]
fn a_kill_at_any_step_leaves_the_old_or_the_new_certificate() {
    let open = |folder: &Path| {
        let mut state = State::new(folder);
        state.load();
        let names = fs::read_dir(folder.join("certs")).unwrap();
        assert!(names.count() <= 1, "something is left of the crash");
        let mut bytes = Vec::new();
        let mut file = state.certificates.open(b"entry").ok()?;
        file.read_to_end(&mut bytes).unwrap();
        Some(bytes)
    };
    let old = |folder: &Path| fs::write(folder.join("certs/entry"), OLD).unwrap();
    for (steps, before) in [
        kill_at_every_step("certificate", old, open, Some(OLD)),
        kill_at_every_step("certificate", |_| {}, open, None),
    ] {
        assert!((1..steps).contains(&before));
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn content_is_synced_before_it_takes_its_place_and_the_folder_after() {
    let folder = folder("order");
    set_up_old(&folder);
    let process = Storing::start("replace", &folder);
    let mut calls = Vec::new();
    while process.step() {
        let number = ptrace::getregs(process.thread)
            .unwrap()
            .orig_rax
            .cast_signed();
        match number {
            libc::SYS_write => calls.push("write"),
            libc::SYS_fsync => calls.push("fsync"),
            libc::SYS_rename => calls.push("rename"),
            _ => {}
        }
        // To the end of the same call.
        assert!(process.step());
    }
    process.kill();
    calls.dedup();
    assert_eq!(calls, ["write", "fsync", "rename", "fsync"]);
    fs::remove_dir_all(folder).unwrap();
}
