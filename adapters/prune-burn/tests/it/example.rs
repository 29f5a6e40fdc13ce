//! The example trains, and its networks are as sparse as it says. It reads them back from their files itself.

#[allow(dead_code, unreachable_pub, reason = "its `main` reads a command line")]
#[path = "../../examples/mnist.rs"]
mod mnist;

#[test]
fn its_networks_are_as_sparse_as_it_says_and_as_good() {
    let folder = tempfile::tempdir().unwrap();
    let trained = mnist::compare(&mnist::Arguments { epochs: 1, out: folder.path().to_owned() }).unwrap();
    let [dense, pattern, sparse] = &trained;
    assert!(dense.kept > 0.99, "{}", dense.kept);
    assert_eq!(pattern.kept, 0.5);
    assert!((sparse.kept - 0.1).abs() < 1e-4, "{}", sparse.kept);
    for network in &trained {
        assert!(network.file.is_file() && network.accuracy > 0.5, "{}", network.accuracy);
    }
}
