//! A web server that offers the four `.gz` files under one address.

use std::time::Duration;

use ureq::Agent;

use super::{Source, SourceError};
use crate::data::MnistFile;

/// The time to find the server and to shake hands with it.
const CONNECT: Duration = Duration::from_secs(10);
/// The time without a single byte arriving.
const STALL: Duration = Duration::from_secs(30);
/// The time for one file: 10 MB take this long at 11 kB a second.
const WHOLE: Duration = Duration::from_secs(15 * 60);

/// A mirror of MNIST, asked over HTTP. A proxy named in the environment is used.
pub struct Mirror {
    base: String,
    agent: Agent,
}

impl Mirror {
    /// The mirror at `base`, under which `/train-images-idx3-ubyte.gz` and the others lie.
    pub fn new(base: impl Into<String>) -> Self {
        Self::with_stall(base, STALL)
    }

    /// Does the same as [`new`](Self::new), but gives up if no byte arrives for `stall` (usually half a minute).
    pub fn with_stall(base: impl Into<String>, stall: Duration) -> Self {
        let agent = Agent::config_builder()
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(stall))
            .timeout_per_read(Some(stall))
            .timeout_global(Some(WHOLE))
            .build()
            .into();
        Self { base: base.into(), agent }
    }
}

impl Source for Mirror {
    /// The host, or the whole address if it shows no host.
    fn name(&self) -> String {
        let host = self.base.split("://").nth(1).and_then(|rest| rest.split('/').next());
        host.unwrap_or(&self.base).to_owned()
    }

    fn get(&mut self, file: MnistFile) -> Result<Vec<u8>, SourceError> {
        let url = format!("{}/{file}.gz", self.base);
        // The gzip of MNIST's file is smaller than the file, or a few bytes larger; an endless answer stops here.
        let limit = file.byte_len() + 65_536;
        self.agent
            .get(&url)
            .call()
            .and_then(|mut response| response.body_mut().with_config().limit(limit).read_to_vec())
            .map_err(|source| SourceError::Http { url, source: Box::new(source) })
    }
}
