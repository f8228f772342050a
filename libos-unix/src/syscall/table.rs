//! Every system call that there is, by Linux's number (arch/x86/entry/syscalls/syscall_64.tbl).

use super::{Call, Made, Outcome};
use super::{
    clocks, clone, descriptors, events, exec, futexes, identity, locks, memory, metadata, open, paths, process,
};
use super::{
    messages, poll, read_write, resources, signals, socket_options, sockets, splice, streams, system, timers, wait,
};
use bitflags::Flags;

/// Makes a call.
pub type Handler = fn(&Call<'_>) -> Outcome;

/// The same, as the entry code calls it.
pub(crate) type Maker = extern "C" fn(&Call<'_>) -> Made;

/// A system call.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Linux's name.
    pub name: &'static str,
    /// What makes it.
    pub handler: Handler,
    /// Names of the flags that it takes.
    pub flags: fn() -> alloc::vec::Vec<&'static str>,
}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name)
    }
}

fn names<F: Flags>() -> alloc::vec::Vec<&'static str> {
    F::FLAGS.iter().map(bitflags::Flag::name).filter(|name| !name.is_empty()).collect()
}

fn no_flags() -> alloc::vec::Vec<&'static str> {
    alloc::vec::Vec::new()
}

macro_rules! flags {
    () => {
        no_flags
    };
    ($kind:ty) => {
        names::<$kind>
    };
}

macro_rules! calls {
    ($($number:literal $name:ident $handler:path $(: $flags:ty)?;)*) => {
        /// By number; `None` where there is none.
        pub static TABLE: [Option<Entry>; 512] = {
            let mut table = [const { None }; 512];
            $(table[$number] = Some(Entry {
                name: stringify!($name),
                handler: $handler,
                flags: flags!($($flags)?),
            });)*
            table
        };

        /// What makes the call with a number. The last is nobody's.
        pub(crate) static HANDLERS: [Maker; 512] = {
            extern "C" fn unknown(call: &Call<'_>) -> Made {
                super::unknown(call).into()
            }
            let mut table = [unknown as Maker; 512];
            $(table[$number] = {
                extern "C" fn $name(call: &Call<'_>) -> Made {
                    $handler(call).into()
                }
                $name
            };)*
            table
        };
    };
}

calls! {
    0 read read_write::read;
    1 write read_write::write;
    2 open open::open: crate::file::OpenFlags;
    3 close descriptors::close;
    4 stat metadata::stat;
    5 fstat metadata::fstat;
    6 lstat metadata::lstat;
    7 poll poll::poll;
    8 lseek open::lseek;
    9 mmap memory::mmap: crate::memory::MapFlags;
    10 mprotect memory::mprotect: crate::memory::Protection;
    11 munmap memory::munmap;
    12 brk memory::brk;
    13 rt_sigaction signals::rt_sigaction: crate::signal::ActionFlags;
    14 rt_sigprocmask signals::rt_sigprocmask;
    15 rt_sigreturn signals::rt_sigreturn;
    16 ioctl streams::ioctl;
    17 pread64 read_write::pread64;
    18 pwrite64 read_write::pwrite64;
    19 readv read_write::readv;
    20 writev read_write::writev;
    21 access metadata::access;
    22 pipe streams::pipe;
    23 select poll::select;
    24 sched_yield resources::sched_yield;
    25 mremap memory::mremap: crate::memory::RemapFlags;
    26 msync memory::msync: memory::SyncFlags;
    27 mincore memory::mincore;
    28 madvise memory::madvise;
    32 dup descriptors::dup;
    33 dup2 descriptors::dup2;
    34 pause signals::pause;
    35 nanosleep clocks::nanosleep;
    36 getitimer timers::getitimer;
    37 alarm timers::alarm;
    38 setitimer timers::setitimer;
    39 getpid identity::getpid;
    40 sendfile streams::sendfile;
    41 socket sockets::socket: sockets::SocketFlags;
    42 connect sockets::connect;
    43 accept sockets::accept;
    44 sendto messages::sendto: messages::MessageFlags;
    45 recvfrom messages::recvfrom: messages::MessageFlags;
    46 sendmsg messages::sendmsg: messages::MessageFlags;
    47 recvmsg messages::recvmsg: messages::MessageFlags;
    48 shutdown sockets::shutdown;
    49 bind sockets::bind;
    50 listen sockets::listen;
    51 getsockname sockets::getsockname;
    52 getpeername sockets::getpeername;
    53 socketpair sockets::socketpair: sockets::SocketFlags;
    54 setsockopt socket_options::setsockopt;
    55 getsockopt socket_options::getsockopt;
    56 clone clone::clone: clone::CloneFlags;
    57 fork clone::fork;
    58 vfork clone::vfork;
    59 execve exec::execve;
    60 exit wait::exit;
    61 wait4 wait::wait4: crate::unix::WaitOptions;
    62 kill signals::kill;
    63 uname system::uname;
    72 fcntl descriptors::fcntl;
    73 flock locks::flock;
    74 fsync open::fsync;
    75 fdatasync open::fsync;
    76 truncate open::truncate;
    77 ftruncate open::ftruncate;
    78 getdents open::getdents;
    79 getcwd paths::getcwd;
    80 chdir paths::chdir;
    81 fchdir paths::fchdir;
    82 rename paths::rename;
    83 mkdir paths::mkdir;
    84 rmdir paths::rmdir;
    85 creat open::creat;
    86 link paths::link;
    87 unlink paths::unlink;
    88 symlink paths::symlink;
    89 readlink paths::readlink;
    90 chmod metadata::chmod;
    91 fchmod metadata::fchmod;
    92 chown metadata::chown;
    93 fchown metadata::fchown;
    94 lchown metadata::lchown;
    95 umask paths::umask;
    96 gettimeofday clocks::gettimeofday;
    97 getrlimit resources::getrlimit;
    98 getrusage resources::getrusage;
    99 sysinfo system::sysinfo;
    100 times clocks::times;
    102 getuid identity::getuid;
    104 getgid identity::getgid;
    105 setuid identity::setuid;
    106 setgid identity::setgid;
    107 geteuid identity::geteuid;
    108 getegid identity::getegid;
    109 setpgid identity::setpgid;
    110 getppid identity::getppid;
    111 getpgrp identity::getpgrp;
    112 setsid identity::setsid;
    113 setreuid identity::setreuid;
    114 setregid identity::setregid;
    115 getgroups identity::getgroups;
    116 setgroups identity::setgroups;
    117 setresuid identity::setresuid;
    118 getresuid identity::getresuid;
    119 setresgid identity::setresgid;
    120 getresgid identity::getresgid;
    121 getpgid identity::getpgid;
    122 setfsuid identity::setfsuid;
    123 setfsgid identity::setfsgid;
    124 getsid identity::getsid;
    127 rt_sigpending signals::rt_sigpending;
    128 rt_sigtimedwait signals::rt_sigtimedwait;
    129 rt_sigqueueinfo signals::rt_sigqueueinfo;
    130 rt_sigsuspend signals::rt_sigsuspend;
    131 sigaltstack signals::sigaltstack;
    132 utime metadata::utime;
    133 mknod paths::mknod;
    135 personality process::personality;
    137 statfs metadata::statfs;
    138 fstatfs metadata::fstatfs;
    140 getpriority resources::getpriority;
    141 setpriority resources::setpriority;
    142 sched_setparam resources::sched_setparam;
    143 sched_getparam resources::sched_getparam;
    144 sched_setscheduler resources::sched_setscheduler;
    145 sched_getscheduler resources::sched_getscheduler;
    146 sched_get_priority_max resources::sched_get_priority_max;
    147 sched_get_priority_min resources::sched_get_priority_min;
    148 sched_rr_get_interval resources::sched_rr_get_interval;
    149 mlock memory::mlock;
    150 munlock memory::mlock;
    151 mlockall memory::mlockall;
    152 munlockall memory::munlockall;
    157 prctl process::prctl;
    158 arch_prctl process::arch_prctl;
    160 setrlimit resources::setrlimit;
    161 chroot paths::chroot;
    162 sync open::sync;
    164 settimeofday clocks::settimeofday;
    170 sethostname system::sethostname;
    171 setdomainname system::setdomainname;
    186 gettid identity::gettid;
    188 setxattr metadata::no_attributes;
    189 lsetxattr metadata::no_attributes;
    190 fsetxattr metadata::no_attributes_open;
    191 getxattr metadata::no_attributes;
    192 lgetxattr metadata::no_attributes;
    193 fgetxattr metadata::no_attributes_open;
    194 listxattr metadata::no_attributes;
    195 llistxattr metadata::no_attributes;
    196 flistxattr metadata::no_attributes_open;
    200 tkill signals::tkill;
    201 time clocks::time;
    202 futex futexes::futex;
    203 sched_setaffinity resources::sched_setaffinity;
    204 sched_getaffinity resources::sched_getaffinity;
    213 epoll_create events::epoll_create;
    217 getdents64 open::getdents64;
    218 set_tid_address process::set_tid_address;
    219 restart_syscall signals::restart_syscall;
    221 fadvise64 open::fadvise64;
    222 timer_create timers::timer_create;
    223 timer_settime timers::timer_settime;
    224 timer_gettime timers::timer_gettime;
    225 timer_getoverrun timers::timer_getoverrun;
    226 timer_delete timers::timer_delete;
    227 clock_settime clocks::clock_settime;
    228 clock_gettime clocks::clock_gettime;
    229 clock_getres clocks::clock_getres;
    230 clock_nanosleep clocks::clock_nanosleep;
    231 exit_group wait::exit_group;
    232 epoll_wait events::epoll_wait;
    233 epoll_ctl events::epoll_ctl: crate::event::WatchFlags;
    234 tgkill signals::tgkill;
    235 utimes metadata::utimes;
    247 waitid wait::waitid: crate::unix::WaitOptions;
    257 openat open::openat: crate::file::OpenFlags;
    258 mkdirat paths::mkdirat;
    259 mknodat paths::mknodat;
    260 fchownat metadata::fchownat;
    261 futimesat metadata::futimesat;
    262 newfstatat metadata::newfstatat;
    263 unlinkat paths::unlinkat;
    264 renameat paths::renameat;
    265 linkat paths::linkat;
    266 symlinkat paths::symlinkat;
    267 readlinkat paths::readlinkat;
    268 fchmodat metadata::fchmodat;
    269 faccessat metadata::faccessat;
    270 pselect6 poll::pselect6;
    271 ppoll poll::ppoll;
    273 set_robust_list futexes::set_robust_list;
    274 get_robust_list futexes::get_robust_list;
    275 splice splice::splice;
    276 tee splice::tee;
    277 sync_file_range open::fsync;
    278 vmsplice splice::vmsplice;
    280 utimensat metadata::utimensat;
    281 epoll_pwait events::epoll_pwait;
    282 signalfd events::signalfd;
    283 timerfd_create timers::timerfd_create;
    284 eventfd events::eventfd;
    285 fallocate open::fallocate;
    286 timerfd_settime timers::timerfd_settime;
    287 timerfd_gettime timers::timerfd_gettime;
    288 accept4 sockets::accept4: sockets::SocketFlags;
    289 signalfd4 events::signalfd4: events::EventFlags;
    290 eventfd2 events::eventfd2: events::EventFlags;
    291 epoll_create1 events::epoll_create1;
    292 dup3 descriptors::dup3;
    293 pipe2 streams::pipe2: crate::file::OpenFlags;
    295 preadv read_write::preadv;
    296 pwritev read_write::pwritev;
    297 rt_tgsigqueueinfo signals::rt_tgsigqueueinfo;
    299 recvmmsg messages::recvmmsg: messages::MessageFlags;
    302 prlimit64 resources::prlimit64;
    306 syncfs open::fsync;
    307 sendmmsg messages::sendmmsg: messages::MessageFlags;
    309 getcpu resources::getcpu;
    316 renameat2 paths::renameat2: crate::fs::RenameFlags;
    318 getrandom system::getrandom: system::RandomFlags;
    319 memfd_create open::memfd_create;
    322 execveat exec::execveat;
    324 membarrier memory::membarrier;
    325 mlock2 memory::mlock2;
    326 copy_file_range streams::copy_file_range;
    327 preadv2 read_write::preadv2;
    328 pwritev2 read_write::pwritev2;
    332 statx metadata::statx;
    334 rseq system::rseq;
    435 clone3 clone::clone3: clone::CloneFlags;
    436 close_range descriptors::close_range: descriptors::CloseRangeFlags;
    437 openat2 open::openat2: crate::file::OpenFlags;
    439 faccessat2 metadata::faccessat2;
    441 epoll_pwait2 events::epoll_pwait2;
}
