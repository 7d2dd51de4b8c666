//! The system calls of another process, thread by thread, between marks that it sets.

use std::collections::BTreeMap;
use std::process::Child;
use std::{fmt, fs};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getppid};

/// Threads that wake up by the clock, and so more often in a call on a slow machine. Who wakes a
/// thread up otherwise does so by a system call of its own, which is counted.
const CLOCKS: [&str; 2] = ["grpc-monitor", "grpc-timer"];

/// Ends one window and begins the next: a system call that nothing else makes.
pub(crate) fn mark() {
    getppid();
}

/// What was seen of each call: the system calls of each thread, in their order.
pub(crate) struct Trace {
    windows: Vec<BTreeMap<Pid, Vec<i64>>>,
    /// The one that sets marks and makes the calls.
    caller: Pid,
    names: BTreeMap<Pid, String>,
}

/// Follows all threads of `child` until it ends. `begin` tells it to begin once it is followed.
pub(crate) fn follow(child: &mut Child, begin: impl FnOnce(&mut Child)) -> Result<Trace, Errno> {
    let process = Pid::from_raw(child.id().try_into().unwrap());
    let mut names = BTreeMap::new();
    // Threads may start meanwhile: those that a followed one starts are followed from their birth.
    while let Some(thread) = threads(process).into_iter().find(|it| !names.contains_key(it)) {
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_EXITKILL;
        match ptrace::seize(thread, options) {
            Ok(()) | Err(Errno::ESRCH) => {}
            // A thread that was followed from its birth.
            Err(Errno::EPERM) if !names.is_empty() => {}
            Err(error) => return Err(error),
        }
        names.insert(thread, name(process, thread));
        // It stops, and goes on with its system calls seen.
        let _ = ptrace::interrupt(thread);
    }
    let mut trace = Trace { windows: Vec::new(), caller: process, names };
    let mut begin = Some(begin);
    loop {
        match waitpid(None, Some(WaitPidFlag::__WALL))? {
            WaitStatus::Exited(thread, _) | WaitStatus::Signaled(thread, ..)
                if thread == process =>
            {
                return Ok(trace);
            }
            WaitStatus::PtraceSyscall(thread) => {
                trace.add(process, thread);
                resume(thread, None);
            }
            WaitStatus::PtraceEvent(thread, ..) => {
                resume(thread, None);
                if let Some(begin) = begin.take() {
                    begin(child);
                }
            }
            WaitStatus::Stopped(thread, Signal::SIGSTOP | Signal::SIGTRAP) => resume(thread, None),
            WaitStatus::Stopped(thread, signal) => resume(thread, Some(signal)),
            _ => {}
        }
    }
}

/// Goes on to the next system call; a thread that has been killed cannot.
fn resume(thread: Pid, signal: Option<Signal>) {
    let _ = ptrace::syscall(thread, signal);
}

fn threads(process: Pid) -> Vec<Pid> {
    let entries = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let number = |name: &str| Pid::from_raw(name.parse().unwrap());
    entries.map(|entry| number(entry.unwrap().file_name().to_str().unwrap())).collect()
}

fn name(process: Pid, thread: Pid) -> String {
    let name = fs::read_to_string(format!("/proc/{process}/task/{thread}/comm"));
    name.unwrap_or_default().trim().to_owned()
}

impl Trace {
    /// A thread stands before or behind a system call.
    fn add(&mut self, process: Pid, thread: Pid) {
        let Ok(info) = ptrace::syscall_info(thread) else { return };
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            return;
        }
        let Ok(registers) = ptrace::getregs(thread) else { return };
        #[cfg(target_arch = "x86_64")]
        let number = registers.orig_rax.cast_signed();
        #[cfg(target_arch = "aarch64")]
        let number = registers.regs[8].cast_signed();
        if number == libc::SYS_getppid {
            self.caller = thread;
            self.windows.push(BTreeMap::new());
        } else if let Some(window) = self.windows.last_mut() {
            window.entry(thread).or_default().push(number);
            self.names.entry(thread).or_insert_with(|| name(process, thread));
        }
    }

    /// How many were followed: the last mark only ends one.
    pub(crate) fn calls(&self) -> usize {
        self.windows.len() - 1
    }

    /// What most calls looked like.
    fn most_common(&self) -> BTreeMap<Pid, Vec<i64>> {
        let mut seen = BTreeMap::<_, usize>::new();
        for window in &self.windows[..self.calls()] {
            let mut window = window.clone();
            window.retain(|thread, _| !CLOCKS.contains(&self.names[thread].as_str()));
            *seen.entry(window).or_default() += 1;
        }
        let most_common = seen.into_iter().max_by_key(|(_, count)| *count);
        most_common.expect("calls were made").0
    }

    fn is_client(&self, thread: Pid) -> bool {
        thread == self.caller || self.names[&thread].starts_with("grpc-client")
    }

    /// The system calls of one side.
    pub(crate) fn system_calls(&self, is_client: bool) -> usize {
        let threads = self.most_common().into_iter();
        let of_side = threads.filter(|(thread, _)| self.is_client(*thread) == is_client);
        of_side.map(|(_, numbers)| numbers.len()).sum()
    }

    /// The threads of one side that took part.
    pub(crate) fn threads(&self, is_client: bool) -> usize {
        let threads = self.most_common().into_keys();
        threads.filter(|thread| self.is_client(*thread) == is_client).count()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (thread, numbers) in self.most_common() {
            let words: Vec<_> = numbers.iter().map(|number| word(*number)).collect();
            writeln!(f, "{}: {}", self.names[&thread], words.join(", "))?;
        }
        Ok(())
    }
}

fn word(number: i64) -> String {
    let known = [
        (libc::SYS_sendto, "sendto"),
        (libc::SYS_recvfrom, "recvfrom"),
        (libc::SYS_sendmsg, "sendmsg"),
        (libc::SYS_read, "read"),
        (libc::SYS_write, "write"),
        (libc::SYS_writev, "writev"),
        (libc::SYS_futex, "futex"),
        (libc::SYS_ppoll, "ppoll"),
        (libc::SYS_epoll_pwait, "epoll_pwait"),
        (libc::SYS_epoll_ctl, "epoll_ctl"),
        (libc::SYS_sched_yield, "sched_yield"),
        (libc::SYS_restart_syscall, "restart_syscall"),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_poll, "poll"),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_epoll_wait, "epoll_wait"),
    ];
    let word = known.iter().find(|(known, _)| *known == number).map(|(_, word)| *word);
    word.map_or_else(|| format!("number {number}"), str::to_owned)
}
