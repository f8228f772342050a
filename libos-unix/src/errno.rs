//! Why a system call fails: Linux's numbers and names (`include/uapi/asm-generic/errno.h`).

use core::fmt;

/// What a system call or a part of it comes to.
pub type Result<T> = core::result::Result<T, Errno>;

macro_rules! errors {
    ($($name:ident $number:literal $meaning:literal)*) => {
        /// The reason why a system call failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        #[allow(clippy::upper_case_acronyms)] // the names are the interface's
        pub enum Errno {
            $(#[doc = $meaning] $name = $number,)*
        }

        impl Errno {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What it means, in a few words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

errors! {
    EPERM 1 "operation not permitted"
    ENOENT 2 "no such file or directory"
    ESRCH 3 "no such process"
    EINTR 4 "interrupted system call"
    EIO 5 "input/output error"
    ENXIO 6 "no such device or address"
    E2BIG 7 "argument list too long"
    ENOEXEC 8 "exec format error"
    EBADF 9 "bad file descriptor"
    ECHILD 10 "no child processes"
    EAGAIN 11 "resource temporarily unavailable"
    ENOMEM 12 "cannot allocate memory"
    EACCES 13 "permission denied"
    EFAULT 14 "bad address"
    ENOTBLK 15 "block device required"
    EBUSY 16 "device or resource busy"
    EEXIST 17 "file exists"
    EXDEV 18 "invalid cross-device link"
    ENODEV 19 "no such device"
    ENOTDIR 20 "not a directory"
    EISDIR 21 "is a directory"
    EINVAL 22 "invalid argument"
    ENFILE 23 "too many open files in system"
    EMFILE 24 "too many open files"
    ENOTTY 25 "inappropriate ioctl for device"
    ETXTBSY 26 "text file busy"
    EFBIG 27 "file too large"
    ENOSPC 28 "no space left on device"
    ESPIPE 29 "illegal seek"
    EROFS 30 "read-only file system"
    EMLINK 31 "too many links"
    EPIPE 32 "broken pipe"
    EDOM 33 "numerical argument out of domain"
    ERANGE 34 "numerical result out of range"
    EDEADLK 35 "resource deadlock avoided"
    ENAMETOOLONG 36 "file name too long"
    ENOLCK 37 "no locks available"
    ENOSYS 38 "function not implemented"
    ENOTEMPTY 39 "directory not empty"
    ELOOP 40 "too many levels of symbolic links"
    ENODATA 61 "no data available"
    EOVERFLOW 75 "value too large for defined data type"
    EILSEQ 84 "invalid or incomplete multibyte or wide character"
    ENOTSOCK 88 "socket operation on non-socket"
    EDESTADDRREQ 89 "destination address required"
    EMSGSIZE 90 "message too long"
    EPROTOTYPE 91 "protocol wrong type for socket"
    ENOPROTOOPT 92 "protocol not available"
    EPROTONOSUPPORT 93 "protocol not supported"
    ESOCKTNOSUPPORT 94 "socket type not supported"
    EOPNOTSUPP 95 "operation not supported"
    EAFNOSUPPORT 97 "address family not supported by protocol"
    EADDRINUSE 98 "address already in use"
    EADDRNOTAVAIL 99 "cannot assign requested address"
    ENETUNREACH 101 "network is unreachable"
    ECONNABORTED 103 "software caused connection abort"
    ECONNRESET 104 "connection reset by peer"
    ENOBUFS 105 "no buffer space available"
    EISCONN 106 "transport endpoint is already connected"
    ENOTCONN 107 "transport endpoint is not connected"
    ETIMEDOUT 110 "connection timed out"
    ETOOMANYREFS 109 "too many references: cannot splice"
    ECONNREFUSED 111 "connection refused"
    EALREADY 114 "operation already in progress"
    EINPROGRESS 115 "operation now in progress"
    EOWNERDEAD 130 "owner died"
    ENOTRECOVERABLE 131 "state not recoverable"
}

impl Errno {
    /// What a system call leaves in rax: the number, negated.
    #[must_use]
    pub const fn as_result(self) -> u64 {
        (self as u64).wrapping_neg()
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meaning())
    }
}

impl core::error::Error for Errno {}
