//! The table, on the terminal and in a file.

use std::path::PathBuf;

use prune_mnist::files::write_whole;

use crate::measure::Measured;

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// The most it may be, and a better aim; none if a row only informs.
    pub(crate) bar: Option<(f64, f64)>,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    Time {
        measured: Measured,
        /// The number of bytes that the base reads, if it only reads.
        read: Option<usize>,
        /// The same work on a tensor that may stay in the caches, if it is small enough.
        hot: Option<Measured>,
    },
    /// Extra bytes at the peak, and the bytes of the tensor.
    Memory { extra: usize, of: usize },
}

impl Row {
    fn show(&self) -> String {
        let blank = String::new;
        let (figures, speed, ratio, hot) = match &self.outcome {
            Outcome::Time { measured, read, hot } => {
                let (time, base) = (measured.time.as_secs_f64(), measured.base.as_secs_f64());
                let speed = read.map_or_else(blank, |bytes| format!("{:.1}", bytes as f64 / base / 1e9));
                let hot = hot.map_or_else(blank, |hot| format!("{:.2}", hot.ratio()));
                (format!("{:>10.3} {:>10.3}", time * 1e3, base * 1e3), speed, measured.ratio(), hot)
            }
            Outcome::Memory { extra, of } => {
                let figures = format!("{:>7.1} MB {:>7.1} MB", *extra as f64 / 1e6, *of as f64 / 1e6);
                (figures, blank(), *extra as f64 / *of as f64, blank())
            }
        };
        let bar = match self.bar {
            Some((most, aim)) if ratio <= aim => format!("{most:>6.2} {aim:>6.2}  aim met"),
            Some((most, aim)) if ratio <= most => format!("{most:>6.2} {aim:>6.2}  bar met"),
            Some((most, aim)) => format!("{most:>6.2} {aim:>6.2}  MISSED"),
            None => String::new(),
        };
        format!("{:<66} {figures} {speed:>6} {ratio:>7.2} {hot:>6} {bar}", self.name)
    }
}

/// The printed text, with the folder it is saved in.
pub(crate) struct Page {
    text: String,
    save: Option<PathBuf>,
    /// The suffix that tells the file from others of its day.
    suffix: &'static str,
}

impl Page {
    pub(crate) fn new(save: bool, suffix: &'static str) -> Result<Self, String> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("record");
        if save {
            std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        }
        Ok(Page { text: String::new(), save: save.then_some(folder), suffix })
    }

    pub(crate) fn line(&mut self, line: &str) {
        println!("{line}");
        self.text += line;
        self.text.push('\n');
    }

    /// A table, row by row as it is measured. GB/s is the speed of the reading, if a row is compared with one.
    pub(crate) fn section(&mut self, title: &str, rows: impl Iterator<Item = Row>) {
        self.line(&format!(
            "{title}\n{:<66} {:>10} {:>10} {:>6} {:>7} {:>6} {:>6} {:>6}",
            "", "ms", "against ms", "GB/s", "ratio", "hot", "most", "aim"
        ));
        for row in rows {
            self.line(row.show().trim_end());
        }
        self.line("");
    }

    /// Writes the page, whole or not at all.
    pub(crate) fn finish(self) -> Result<(), String> {
        let Some(folder) = self.save else { return Ok(()) };
        let date = self.text.lines().find_map(|line| line.strip_prefix("date: ")).unwrap_or("undated").to_owned();
        let name = format!("{date}{}.txt", self.suffix);
        write_whole(&folder, &[(&name, self.text.as_bytes())]).map_err(|error| error.to_string())?;
        println!("saved to {}", folder.join(name).display());
        Ok(())
    }
}
