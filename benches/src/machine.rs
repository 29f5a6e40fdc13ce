//! The machine and the tools that made the figures.

use prune_core::InstructionSet;

/// Machine, compiler, threads, date and command, as a line each.
pub(crate) fn describe(args: &crate::Args) -> String {
    let sets: Vec<String> = InstructionSet::available().iter().map(ToString::to_string).collect();
    let compiler = output("rustc", &["--version"]);
    let date = output("date", &["+%Y-%m-%d"]);
    let command: Vec<String> = std::env::args().skip(1).collect();
    format!(
        "machine: {}\ncores: {}, threads of the pool: {}\ninstruction sets: {}\ncompiler: {compiler}\ndate: {date}\n\
         command: cargo xtask bench {}\nelements: {}, rounds: {}\n",
        processor(),
        std::thread::available_parallelism().map_or(1, usize::from),
        rayon::current_num_threads(),
        sets.join(", "),
        command.join(" "),
        args.sizes().iter().map(|size| size.elements.to_string()).collect::<Vec<_>>().join(", "),
        args.rounds,
    )
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    match (field("model name"), field("cpu family"), field("model\t")) {
        (Some(name), Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => std::env::consts::ARCH.to_owned(),
    }
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).output();
    output
        .ok()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_else(|| "unknown".into())
}
