//! Tables from end to end on a few hundred images: the figures mean nothing, but they are made in the same way.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use prune_core::{Mask, Masks};

use super::cache::Cache;
use super::compacted::CompactNetwork;
use super::csv::{Record, csv as rows_of};
use super::data::DataUse;
use super::error::PaperError;
use super::lottery::{Lottery, Start};
use super::outcome::RunOutcome;
use super::queue::{Outcomes, Queue};
use super::recipe::{CALIBRATION, LotteryRecipe, PaperNet, Recipe, Scale, lottery_recipe};
use super::settings::{Phase, PhaseChange, Settings};
use super::tables::{Table, TableContext};
use crate::data::{DataSource, Dataset};
use crate::nn::{NdarrayParams, ParamSet as _, initial_parameters};
use crate::run::Interrupt;
use crate::train::{self, Trainer};

const GRADUAL: &str = "{1: {'method': 'unstr_global', 'density': 0.5}, 2: {'method': 'unstr_global', 'density': 0.1}}";

fn tiny(images: usize) -> Dataset {
    let data = DataSource::Sample.load().unwrap();
    Dataset { train: data.train.head(images), test: data.test.head(images / 2), ..data }
}

/// Carries out `wanted`; returns the outcomes, and the runs that the cache lacked.
fn carry_out(
    data: &Dataset,
    folder: &Path,
    jobs: usize,
    wanted: &[Settings],
    interrupt: &Interrupt,
) -> Result<(Outcomes, Vec<String>), PaperError> {
    let cache = Cache::open(folder)?;
    let queue = Queue { data, cache: &cache, commit: "test", interrupt, jobs };
    let made = Mutex::new(Vec::new());
    let outcomes = queue.run(wanted, &|outcome, found| {
        if !found {
            made.lock().unwrap().push(outcome.settings.key());
        }
    })?;
    Ok((outcomes, made.into_inner().unwrap()))
}

/// A dense network of one epoch, and its twin, a pruned network and a control of two more.
fn family(seed: u64, data: &Dataset) -> (Settings, [Settings; 3]) {
    let used = DataUse::of(data.clone(), false).unwrap().1;
    let recipe = Recipe { dense: 1, gradual: 1, held: 1, ..PaperNet::Lenet300.recipe(Scale::Quick) };
    let base = Settings::dense(PaperNet::Lenet300, recipe, seed, &used);
    let then = |change| base.then(Phase { lr: 0.1, weight_decay: 5e-4, epochs: 2, change });
    let (strategy, random) = (PhaseChange::Strategy(GRADUAL.to_owned()), PhaseChange::RandomMask(GRADUAL.to_owned()));
    let runs = [then(PhaseChange::None), then(strategy), then(random)];
    (base, runs)
}

/// True if all but the time is equal.
fn same(one: &RunOutcome, other: &RunOutcome) -> bool {
    RunOutcome { seconds: 0.0, ..one.clone() } == RunOutcome { seconds: 0.0, ..other.clone() }
}

#[test]
fn runs_share_their_dense_network_and_are_what_they_say() {
    let (root, data) = (tempfile::tempdir().unwrap(), tiny(600));
    let (base, [twin, pruned, random]) = family(0, &data);
    let wanted = [twin.clone(), pruned.clone(), random.clone()];
    let (outcomes, made) = carry_out(&data, root.path(), 2, &wanted, &Interrupt::default()).unwrap();
    assert_eq!(made[0], base.key(), "the dense network is trained first, and once");
    assert_eq!(made.len(), 4);
    let of = |settings: &Settings| &outcomes[&settings.key()];
    assert_eq!(of(&twin).kept(), (266_200, 266_200));
    assert_eq!(of(&pruned).kept(), (26_620, 266_200));
    assert_eq!(of(&pruned).revivals + of(&random).revivals, 0);
    assert!(of(&pruned).untrained.is_some() && of(&random).untrained.is_none());
    // The random mask has the counts of the last event, carried out at once on the dense network.
    assert_eq!(of(&random).kept(), (26_620, 266_200));
    assert_eq!(of(&pruned).pixels.as_ref().unwrap().iter().sum::<u32>() as usize, of(&pruned).layers[0].kept);
    // Tested once, after the last epoch; the shared network is not tested.
    let epochs = |settings| of(settings).tests.iter().map(|test| test.epoch).collect::<Vec<_>>();
    assert_eq!((epochs(&twin), epochs(&pruned), epochs(&base)), (vec![3], vec![3], vec![]));
    assert!(of(&twin).error() < 60.0, "it learns: {}", of(&twin).error());
    assert_eq!(of(&pruned).multiply_adds, 26_620);
}

#[test]
fn rounds_of_the_lottery_follow_one_another() {
    let (root, data) = (tempfile::tempdir().unwrap(), tiny(300));
    let used = DataUse::of(data.clone(), false).unwrap().1;
    let recipe = LotteryRecipe { epochs: 2, rounds: 2, ..lottery_recipe(Scale::Quick) };
    let run = |start, round| {
        let lottery = Lottery { start, round, kept: 0.8, kept_of_output: 0.9 };
        Settings::lottery(recipe, lottery, 0, &used)
    };
    let tickets = [0, 1, 2].map(|round| run(Start::Rewound, round));
    let [redrawn, random] = [Start::Redrawn, Start::RandomMask].map(|start| run(start, 2));
    // Only the controls are asked for; the rounds that they need are found and carried out first.
    let wanted = [redrawn.clone(), random.clone()];
    let go_on = Interrupt::default();
    let (outcomes, made) = carry_out(&data, root.path(), 2, &wanted, &go_on).unwrap();
    assert_eq!(made[..3], tickets.each_ref().map(Settings::key));
    assert_eq!(made.len(), 5);
    let of = |settings: &Settings| &outcomes[&settings.key()];
    let kept = |settings| of(settings).layers.iter().map(|layer| layer.kept).collect::<Vec<_>>();
    assert_eq!(kept(&tickets[0]), [235_200, 30_000, 1000]);
    assert_eq!(kept(&tickets[1]), [188_160, 24_000, 900]);
    for run in [&tickets[2], &redrawn, &random] {
        assert_eq!(kept(run), [150_528, 19_200, 810]);
    }
    for outcome in outcomes.values() {
        assert_eq!((outcome.revivals, outcome.tests.len(), outcome.tests[0].epoch), (0, 1, 2));
        assert_eq!(outcome.train_loss.len(), 2);
        assert!(outcome.error() < 80.0, "it learns: {}", outcome.error());
    }
    // The same masks with other weights; and other masks.
    assert_eq!(of(&redrawn).pixels, of(&tickets[2]).pixels);
    assert_ne!(of(&redrawn).train_loss, of(&tickets[2]).train_loss);
    assert_ne!(of(&random).pixels, of(&tickets[2]).pixels);

    // A round's masks on disk are those of the next round's beginning, and the weights are zero outside them.
    let cache = Cache::open(root.path()).unwrap();
    let left = cache.base(&tickets[1]).unwrap();
    assert_eq!(left.masks.iter().map(|(_, mask)| mask.kept_len()).sum::<usize>(), 188_160 + 24_000 + 900);
    assert_eq!(left.masks.revivals(&left.params).unwrap(), 0);
    assert!(cache.base(&tickets[0]).unwrap().masks.is_empty() && cache.weights(&redrawn).is_none());
    drop(cache);

    // One run at a time gives the same results. A round whose masks are gone is made again, and no other round.
    let other = tempfile::tempdir().unwrap();
    let (again, _) = carry_out(&data, other.path(), 1, &wanted, &go_on).unwrap();
    outcomes.iter().for_each(|(key, outcome)| assert!(same(outcome, &again[key])));
    fs::remove_file(root.path().join(format!("{}.masks.safetensors", tickets[1].key()))).unwrap();
    let (again, made) = carry_out(&data, root.path(), 1, &wanted, &go_on).unwrap();
    assert_eq!(made, [tickets[1].key()]);
    outcomes.iter().for_each(|(key, outcome)| assert!(same(outcome, &again[key])));
}

/// A run of four epochs from the initial weights.
fn from_the_start(seed: u64, data: &Dataset, change: PhaseChange) -> Settings {
    let used = DataUse::of(data.clone(), false).unwrap().1;
    let recipe = Recipe { held: 4, ..PaperNet::Lenet300.snip_recipe(Scale::Quick) };
    let phase = Phase { lr: 0.1, weight_decay: 5e-4, epochs: recipe.pruned(), change };
    Settings::dense(PaperNet::Lenet300, recipe, seed, &used).then(phase)
}

/// The counts, for each layer and each pixel, among the 5% of weights that matter most for the loss, by sorting all
/// products.
fn snip_by_hand(data: &Dataset, seed: u64) -> (Vec<usize>, Vec<u32>) {
    let settings = train::Settings { epochs: 1, lr: 0.1, momentum: 0.9, weight_decay: 0.0, batch_size: 128, seed };
    let net = PaperNet::Lenet300;
    let mut trainer = Trainer::<NdarrayParams<f32>>::new(&net.spec(), data, settings).unwrap();
    let params: NdarrayParams<f32> = initial_parameters(&net.parameters(), net.initialisation(), seed);
    let images = trainer.calibration(CALIBRATION);
    let gradients = trainer.mean_gradients(&images, &params).unwrap().1;
    let mut all: Vec<(f64, usize, usize)> = Vec::new();
    for index in [0, 2, 4] {
        assert_eq!(params.specs()[index].shape.len(), 2);
        let products = params.values(index).iter().zip(gradients.values(index)).enumerate();
        all.extend(products.map(|(place, (w, g))| ((f64::from(*w) * f64::from(*g)).abs(), index, place)));
    }
    all.sort_by(|one, other| other.0.total_cmp(&one.0));
    all.truncate(13_310);
    let mut pixels = vec![0; 784];
    all.iter().filter(|(_, index, _)| *index == 0).for_each(|(_, _, place)| pixels[place / 300] += 1);
    ([0, 2, 4].map(|layer| all.iter().filter(|(_, index, _)| *index == layer).count()).into(), pixels)
}

#[test]
fn networks_are_pruned_before_they_are_trained() {
    let (root, data) = (tempfile::tempdir().unwrap(), tiny(300));
    let snip = "{0: {'method': 'unstr_global', 'density': 0.05, 'score': 'snip'}}";
    let run = |change| from_the_start(3, &data, change);
    let wanted =
        [PhaseChange::None, PhaseChange::Strategy(snip.to_owned()), PhaseChange::RandomMask(snip.to_owned())].map(run);
    let (outcomes, made) = carry_out(&data, root.path(), 2, &wanted, &Interrupt::default()).unwrap();
    assert_eq!(made.len(), 3, "nothing is trained before them");
    let [twin, pruned, random] = wanted.each_ref().map(|settings| &outcomes[&settings.key()]);
    let kept = |outcome: &RunOutcome| outcome.layers.iter().map(|layer| layer.kept).collect::<Vec<_>>();
    let (layers, pixels) = snip_by_hand(&data, 3);
    assert_eq!((kept(pruned), pruned.pixels.clone()), (layers.clone(), Some(pixels.clone())));
    assert_eq!(kept(random), layers);
    assert_ne!(random.pixels, Some(pixels));
    assert_eq!(twin.kept(), (266_200, 266_200));
    for outcome in [twin, pruned, random] {
        let epochs: Vec<u64> = outcome.tests.iter().map(|test| test.epoch).collect();
        assert_eq!((epochs, outcome.train_loss.len(), outcome.revivals), (vec![4], 4, 0));
        assert!(outcome.untrained.is_none());
        assert!(outcome.train_loss[3] < outcome.train_loss[0], "it learns: {:?}", outcome.train_loss);
    }
    assert!(pruned.compacted.is_some() && twin.compacted.is_none() && random.compacted.is_none());
    // All runs are found in the cache.
    let (_, made) = carry_out(&data, root.path(), 1, &wanted, &Interrupt::default()).unwrap();
    assert!(made.is_empty());
}

#[test]
fn sparse_training_keeps_its_density_and_moves_its_weights() {
    let (root, data) = (tempfile::tempdir().unwrap(), tiny(600));
    let drawn = |seed: u64| {
        format!(
            "0: {{'method': 'unstr_global', 'density': 0.024, 'score': 'random', 'distribution': 'erk', 'seed': {seed}}}"
        )
    };
    let run = |seed: u64, more: &str| {
        from_the_start(seed, &data, PhaseChange::Strategy(format!("{{{}{more}}}", drawn(seed))))
    };
    // Five steps in each epoch, so that some updates fall on the end of an epoch and others do not.
    let fixed = run(0, "");
    let other = run(1, "");
    let set = run(0, ", '3..=15 steps': {'method': 'set', 'every': 2, 'seed': 0}");
    let rigl = run(0, ", '3..=15 steps': {'method': 'rigl', 'every': 2}");
    let gradual = PhaseChange::Strategy(
        "{'3..=15 steps': {'method': 'unstr_global', 'density': 0.024, 'schedule': 'cubic', 'every': 2}}".to_owned(),
    );
    let gradual = from_the_start(0, &data, gradual);
    let wanted = [fixed, other, set, rigl, gradual];
    let go_on = Interrupt::default();
    let (outcomes, made) = carry_out(&data, root.path(), 2, &wanted, &go_on).unwrap();
    assert_eq!(made.len(), 5);
    let of = wanted.each_ref().map(|settings| &outcomes[&settings.key()]);
    for outcome in of {
        assert_eq!((outcome.kept().0, outcome.revivals), (6389, 0));
        assert!(outcome.untrained.is_none());
        assert!(outcome.train_loss[3] < outcome.train_loss[0], "it learns: {:?}", outcome.train_loss);
        // The smaller network computes the same function.
        let small: &CompactNetwork = outcome.compacted.as_ref().unwrap();
        assert_eq!(small.wrong, outcome.last().unwrap().wrong);
        assert!(small.kept <= 6389 && small.units[0] < 784 && small.bytes() < outcome.bytes, "{small:?}");
    }
    let [fixed, other, set, rigl, gradual] = of;
    assert_eq!(fixed.layers, set.layers);
    assert_eq!(fixed.layers, rigl.layers);
    assert_ne!(fixed.layers, gradual.layers);
    let pixels = [fixed, other, set, rigl].map(|outcome| outcome.pixels.clone().unwrap());
    assert!((0..4).all(|i| (0..i).all(|j| pixels[i] != pixels[j])), "masks move, each in its own way");
    // RigL never opens a weight of a pixel that is black in every image: its gradient is zero.
    let black = |pixel: usize| (0..data.train.len()).all(|image| data.train.image(image)[pixel] == 0);
    let on_black = |pixels: &[u32]| pixels.iter().enumerate().filter(|(p, _)| black(*p)).map(|(_, n)| *n).sum::<u32>();
    assert!(on_black(&pixels[3]) < on_black(&pixels[0]), "{} {}", on_black(&pixels[3]), on_black(&pixels[0]));

    let elsewhere = tempfile::tempdir().unwrap();
    let (again, _) = carry_out(&data, elsewhere.path(), 1, &wanted, &go_on).unwrap();
    outcomes.iter().for_each(|(key, outcome)| assert!(same(outcome, &again[key])));
}

#[test]
fn masks_are_drawn_by_the_seed_of_their_run() {
    let context = TableContext { scale: Scale::Full, data: DataUse::made() };
    let mut drawn = BTreeSet::new();
    for (name, run) in Table::Sparse.runs(&context) {
        let Some(Phase { change: PhaseChange::Strategy(text), .. }) = &run.then else { continue };
        let seeds: Vec<&str> = text.split("'seed': ").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        assert!(seeds.iter().all(|seed| *seed == run.seed.to_string()), "{name}: {text}");
        drawn.extend(seeds.iter().map(ToString::to_string));
    }
    assert_eq!(drawn.len(), 5);
}

#[test]
fn results_depend_neither_on_jobs_nor_on_what_ran_before() {
    let (one, two, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tiny(600));
    let runs: Vec<Settings> = (0..2).flat_map(|seed| family(seed, &data).1).collect();
    let go_on = Interrupt::default();
    let (all, _) = carry_out(&data, one.path(), 2, &runs, &go_on).unwrap();
    // In reverse order, one at a time, in two commands.
    let backwards: Vec<Settings> = runs.iter().rev().cloned().collect();
    carry_out(&data, two.path(), 1, &backwards[..2], &go_on).unwrap();
    let (again, made) = carry_out(&data, two.path(), 1, &backwards, &go_on).unwrap();
    assert_eq!((all.len(), again.len()), (8, 8));
    assert_eq!(made.len(), 5, "three of the eight were there");
    all.iter().for_each(|(key, outcome)| assert!(same(outcome, &again[key]), "{outcome:?}\n{:?}", again[key]));
    // Other seeds give other networks.
    assert_ne!(all[&runs[0].key()].train_loss, all[&runs[3].key()].train_loss);
}

#[test]
fn finished_runs_are_found_and_damaged_ones_repeated() {
    let (root, data) = (tempfile::tempdir().unwrap(), tiny(300));
    let (base, runs) = family(0, &data);
    let go_on = Interrupt::default();
    let (first, _) = carry_out(&data, root.path(), 2, &runs, &go_on).unwrap();
    let (found, made) = carry_out(&data, root.path(), 2, &runs, &go_on).unwrap();
    assert!(made.is_empty() && first == found);

    let path = |settings: &Settings, ending: &str| root.path().join(format!("{}.{ending}", settings.key()));
    // A truncated record, another run's record under its name, and missing weights of the dense network.
    let text = fs::read(path(&runs[0], "json")).unwrap();
    fs::write(path(&runs[0], "json"), &text[..text.len() / 2]).unwrap();
    fs::copy(path(&runs[2], "json"), path(&runs[1], "json")).unwrap();
    fs::remove_file(path(&base, "safetensors")).unwrap();
    let (again, made) = carry_out(&data, root.path(), 2, &runs, &go_on).unwrap();
    let repeated: BTreeSet<String> = made.into_iter().collect();
    assert_eq!(repeated, BTreeSet::from([base.key(), runs[0].key(), runs[1].key()]));
    first.iter().for_each(|(key, outcome)| assert!(same(outcome, &again[key])));
}

#[test]
fn records_that_cannot_be_are_repeated() {
    let (root, data) = (tempfile::tempdir().unwrap(), tiny(300));
    let (_, runs) = family(0, &data);
    let run = &runs[1];
    let go_on = Interrupt::default();
    let (first, _) = carry_out(&data, root.path(), 1, std::slice::from_ref(run), &go_on).unwrap();
    let path = root.path().join(format!("{}.json", run.key()));
    let whole: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let spoilt: [fn(&mut serde_json::Value); 9] = [
        |record| record["layers"].as_array_mut().unwrap().truncate(1),
        |record| record["layers"][0]["kept"] = 235_201.into(),
        |record| record["tests"] = serde_json::json!([]),
        |record| record["tests"][0]["epoch"] = 1.into(),
        |record| record["tests"][0]["images"] = 0.into(),
        |record| record["untrained"] = serde_json::Value::Null,
        |record| record["version"] = 7.into(),
        |record| record["pixels"] = serde_json::json!([1, 2]),
        |record| {
            record["compacted"] =
                serde_json::json!({"units": [784, 300, 100, 10], "kept": 26_620, "biases": 410, "wrong": 0});
        },
    ];
    for (index, spoil) in spoilt.into_iter().enumerate() {
        let mut record = whole.clone();
        spoil(&mut record);
        fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
        let (again, made) = carry_out(&data, root.path(), 1, std::slice::from_ref(run), &go_on).unwrap();
        assert_eq!(made, [run.key()], "spoilt in way {index}");
        assert!(same(&first[&run.key()], &again[&run.key()]));
    }
}

#[test]
fn an_interrupt_keeps_what_is_finished() {
    let (root, data) = (tempfile::tempdir().unwrap(), tiny(300));
    let (base, runs) = family(0, &data);
    carry_out(&data, root.path(), 1, &runs[..1], &Interrupt::default()).unwrap();
    let interrupt = Interrupt::default();
    interrupt.request();
    let error = carry_out(&data, root.path(), 2, &runs, &interrupt).unwrap_err();
    assert!(matches!(error, PaperError::Interrupted), "{error}");
    assert_eq!(error.exit_code(), 130);
    let (_, made) = carry_out(&data, root.path(), 1, &runs, &Interrupt::default()).unwrap();
    assert!(!made.contains(&base.key()) && !made.contains(&runs[0].key()) && made.len() == 2);
}

#[test]
fn a_run_that_diverges_is_named() {
    let (root, data) = (tempfile::tempdir().unwrap(), tiny(300));
    let (mut base, _) = family(0, &data);
    base.lr = 1e30;
    let error = carry_out(&data, root.path(), 1, &[base], &Interrupt::default()).unwrap_err().to_string();
    assert!(error.contains("has diverged") && error.contains("LeNet-300-100"), "{error}");
}

/// The shape of one kernel of the network.
fn last_shape(settings: &Settings) -> &'static [usize] {
    match settings.net {
        PaperNet::Lenet300 => &[300, 100],
        PaperNet::Lenet5 => &[500, 10],
        PaperNet::Cnn => &[256, 10],
    }
}

#[test]
fn every_table_is_made_from_its_runs() {
    let (root, data) = (tempfile::tempdir().unwrap(), tiny(40));
    let context = TableContext { scale: Scale::Quick, data: DataUse::of(data.clone(), false).unwrap().1 };
    let runs: Vec<_> = Table::ALL.map(|table| (table, table.runs(&context))).into();
    let wanted: Vec<Settings> = runs.iter().flat_map(|(_, runs)| runs).map(|(_, run)| run.clone()).collect();
    let (outcomes, _) = carry_out(&data, root.path(), 2, &wanted, &Interrupt::default()).unwrap();
    for (table, words) in [
        (Table::Han, ["dense twin", "gradual, Han's shares", "control: random mask", "revivals in all runs: 0"]),
        (Table::Further, ["DNS 56x at 1.99%", "one-shot, per layer", "control: not retrained", "largest compression"]),
        (
            Table::Lottery,
            ["dense twin, round 0", "winning ticket, round 5", "weights drawn anew: ", "revivals in all runs: 0"],
        ),
        (
            Table::Snip,
            ["control: random mask, SNIP's counts", "control: magnitude", "beside 2.40%", "SNIP, 2%  magnitude, 5%"],
        ),
        (
            Table::Sparse,
            [
                "control: static random mask, ERK",
                "RigL, published shares, mean",
                "408-100-69",
                "revivals in all runs: 0",
            ],
        ),
        (Table::Examples, ["2:4 at the middle", "epoch", "prune_rate_pattern", "revivals in all runs: 0"]),
    ] {
        let shown = table.show(&context, &outcomes);
        words.iter().for_each(|word| assert!(shown.text.contains(word), "{word}:\n{}", shown.text));
        assert!(!shown.text.contains("NaN"), "{}", shown.text);
        assert!(!shown.pictures.is_empty());
        let drawn = shown.pictures.iter().flat_map(|picture| picture.files().unwrap().map(|(name, _)| name));
        let named: BTreeSet<String> = table.files().into_iter().filter(|name| !name.ends_with(".txt")).collect();
        assert_eq!(drawn.collect::<BTreeSet<String>>(), named, "what is announced is what is drawn");
    }

    let records: Vec<Record> = runs
        .iter()
        .flat_map(|(table, runs)| runs.iter().map(move |run| (*table, run)))
        .map(|(table, (name, run))| {
            let outcome = outcomes[&run.key()].clone();
            let masks = || Masks::from_iter([("Dense_1-kernel".to_owned(), Mask::none(last_shape(run)).unwrap())]);
            Record { table, name: name.clone(), untrained: outcome.untrained.map(|_| masks()), outcome }
        })
        .collect();
    let bytes = rows_of(&records).unwrap();
    let mut reader = csv::Reader::from_reader(&*bytes);
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let untrained = outcomes.values().filter(|outcome| outcome.untrained.is_some()).count();
    assert!(rows.len() >= wanted.len() + untrained);
    for row in &rows {
        let settings: Settings = serde_json::from_str(&row[column("settings")]).unwrap();
        let outcome = &outcomes[&settings.key()];
        let error: f64 = row[column("error_percent")].parse().unwrap();
        let trained = !row[column("seconds")].is_empty();
        assert_eq!(error, if trained { outcome.error() } else { outcome.untrained.unwrap().error() });
        let (kept, weights) = outcome.kept();
        let last: usize = last_shape(&settings).iter().product();
        assert_eq!(row[column("kept")], (if trained { kept } else { weights - last }).to_string());
        assert_eq!(row[column("tested_on")], *"test_set");
        assert_eq!(row[column("commit")], *"test");
        assert_eq!(row[column("data_sha256")].split('+').count(), 4);
    }
}

#[test]
fn the_pages_show_what_was_printed_and_how_it_was_trained() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/paper");
    let read = |name: &str| fs::read_to_string(docs.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    for table in Table::ALL {
        let (page, printed) = (read(&format!("{}.md", table.name())), read(&format!("{}.txt", table.name())));
        assert!(
            page.contains(&format!("```text\n{printed}```")),
            "{}.md does not show {}.txt",
            table.name(),
            table.name()
        );
        let pictures: Vec<&str> = page.lines().filter_map(|line| line.split_once("](")?.1.strip_suffix(')')).collect();
        let missing: Vec<_> =
            pictures.iter().filter(|name| name.ends_with(".png") && !docs.join(name).exists()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
    let page = read("README.md");
    for net in [PaperNet::Lenet300, PaperNet::Lenet5, PaperNet::Cnn] {
        let (recipe, curve) = (net.recipe(Scale::Full), net.curve_recipe(Scale::Full));
        let seeds = net.seeds(Scale::Full, super::data::TestImages::TestSet).count();
        let Recipe { lr, weight_decay, dense, gradual, held, .. } = recipe;
        let curve = match net {
            PaperNet::Cnn => "-".to_owned(),
            _ => format!("{} + {}", curve.gradual, curve.held),
        };
        let row =
            format!("| {} | {lr} | {weight_decay} | {dense} | {gradual} + {held} | {curve} | {seeds} |", net.name());
        assert!(page.contains(&row), "README.md has no row {row}");
    }
}

/// Runs are found by their settings, and finished ones take hours: published runs must still be found.
#[test]
fn published_runs_keep_their_names() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/paper/runs.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let column = reader.headers().unwrap().iter().position(|column| column == "settings").unwrap();
    let rows: BTreeSet<String> = reader.records().map(|row| row.unwrap()[column].to_owned()).collect();
    let read: Vec<Settings> = rows.iter().map(|json| serde_json::from_str(json).unwrap()).collect();
    assert!(read.iter().map(Settings::json).eq(rows.iter().cloned()));
    let context = TableContext { scale: Scale::Full, data: read[0].data.clone() };
    for table in Table::ALL {
        for (name, run) in table.runs(&context) {
            assert!(rows.contains(&run.json()), "{name}: {}", run.json());
        }
    }
}
