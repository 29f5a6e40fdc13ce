use prune_core::Density;
use prune_graph::{Choice, ClassScore, Role};
use prune_onnx::{AnalysisOptions, Model, analyse};
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let model = Model::read(args[1].as_ref())?;
    let mut options = AnalysisOptions::default();
    if let Some(s) = args.get(5) {
        let (n, d) = s.split_once('=').unwrap();
        options.inputs.insert(n.into(), d.split('x').map(|x| x.parse().unwrap()).collect());
    }
    let a = analyse(&model, &options)?;
    let c = a.classes();
    println!("families {} classes {}", c.families().len(), c.len());
    if args.iter().any(|a| a == "explain") {
        for s in c.explain() {
            println!("  {} axis {}: {}/{} {}", c.name(s.axis.tensor), s.axis.axis, s.indices, s.of, s.reason);
        }
    }
    if args.iter().any(|a| a == "all") {
        for s in c.explain_where(|_| true) {
            println!("  {} axis {}: {}/{} {}", c.name(s.axis.tensor), s.axis.axis, s.indices, s.of, s.reason);
        }
    }
    if args.iter().any(|a| a == "families") {
        for f in c.families() {
            println!("  {} classes:", f.classes().len());
            for x in f.axes() {
                println!("      {} {}", c.name(x.tensor), x.axis);
            }
        }
    }
    let score = match args[4].parse::<u64>() {
        Ok(seed) => ClassScore::Random { seed },
        _ => ClassScore::L2,
    };
    let scores = a.scores(score)?;
    let removal = Choice::local(Density::new(args[3].parse()?)?).choose(c, &scores);
    let none = prune_graph::Removal::none(c);
    println!(
        "parameters {} of {} = {:.4}",
        a.parameters(&removal),
        a.all_parameters(),
        a.parameters(&removal) as f64 / a.all_parameters() as f64
    );
    println!("macs {:?} of {:?}", a.multiply_adds(&removal), a.multiply_adds(&none));
    let edits = a.edits(&removal)?;
    let mut out = Vec::new();
    model.write(&edits, &mut out, None)?;
    std::fs::write(&args[2], &out)?;
    let mut text = String::new();
    for (id, name, readers) in a.uses() {
        for (axis, _) in c.sizes(id).iter().enumerate() {
            let Some(kept) = removal.kept(c, id.axis(axis)) else { continue };
            let divisor = c.role(id.axis(axis)) == Some(Role::Divisor);
            let kept: Vec<String> = kept.iter().map(|i| i.to_string()).collect();
            let r: Vec<String> = readers.iter().map(|(n, s)| format!("{n}:{s}")).collect();
            text += &format!("{}\t{}\t{}\t{}\t{}\n", name, axis, divisor as u8, kept.join(","), r.join(","));
        }
    }
    std::fs::write(format!("{}.kept", args[2]), text)?;
    println!("in {} out {} bytes", model.bytes().len(), out.len());
    Ok(())
}
