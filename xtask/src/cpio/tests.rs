use super::{Archive, Entry};

#[test]
fn entries_are_aligned_and_end_with_the_trailer() {
    let mut archive = Archive::default();
    archive.add(b"init", &Entry::file(0o755, b"hello")).unwrap();
    let bytes = archive.finish().unwrap();
    let header = "070701000000010000".to_owned() + "81ED";
    assert!(bytes.starts_with(header.as_bytes()), "{}", String::from_utf8_lossy(&bytes[..40]));
    // The header's 110 bytes and `init\0` fill 115, padded to 116.
    assert_eq!(&bytes[54..62], b"00000005", "the size");
    assert_eq!(&bytes[110..121], b"init\0\0hello");
    assert_eq!(bytes.len() % 4, 0);
    assert!(bytes.windows(11).any(|window| window == b"TRAILER!!!\0"));
}

/// The other side is BusyBox's cpio, where BusyBox is installed.
#[test]
fn another_reader_finds_the_same() {
    let Some(busybox) = crate::process::find("busybox") else { return };
    let mut archive = Archive::default();
    archive.add(b"d", &Entry::directory(0o1777)).unwrap();
    archive.add(b"d/file", &Entry { modified: 1_000_000_000, ..Entry::file(0o4755, b"12345") }).unwrap();
    archive.add(b"link", &Entry::link(b"d/file")).unwrap();
    archive.add(b"null", &Entry::device(0o666, 1, 3)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("archive");
    std::fs::write(&file, archive.finish().unwrap()).unwrap();
    let mut command = std::process::Command::new(busybox);
    command.args(["cpio", "-tv"]).stdin(std::fs::File::open(&file).unwrap()).env("TZ", "UTC");
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let of = |line: usize, from: usize| (lines[line][0], lines[line][from..].join(" "));
    assert_eq!(of(0, 5), ("drwxrwxrwt", "d".to_owned()), "{text}");
    assert_eq!(of(1, 2), ("-rwsr-xr-x", "5 2001-09-09 01:46:40 d/file".to_owned()), "{text}");
    assert_eq!(of(2, 5), ("lrwxrwxrwx", "link -> d/file".to_owned()), "{text}");
    assert_eq!(of(3, 5), ("crw-rw-rw-", "null".to_owned()), "{text}");
}
