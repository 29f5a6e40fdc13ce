//! The factor of a reshape that joins: heads, channel shuffles, flattening, and several reshapes of one axis.

use prune_graph::{Classes, FactoredAxis, Factoring, Graph, Reason, ReasonId, Removal, TensorAxis};

fn axis(axis: TensorAxis, factors: &[usize]) -> FactoredAxis {
    FactoredAxis { axis, factors: factors.to_vec() }
}

struct Net {
    graph: Graph,
    why: ReasonId,
}

impl Net {
    fn new() -> Self {
        let mut graph = Graph::new();
        let why = graph.reason(Reason::new("Reshape", "", "cuts"));
        Net { graph, why }
    }

    fn axes(&mut self, name: &str, sizes: &[usize]) -> Vec<TensorAxis> {
        let id = self.graph.constant(name, sizes, true).expect("new");
        (0..sizes.len()).map(|a| id.axis(a)).collect()
    }

    fn cut(&mut self, flat: TensorAxis, into: &[(TensorAxis, usize)]) {
        let lengths = into.iter().map(|&(_, n)| Some(n)).collect();
        let after = into.iter().enumerate().map(|(i, &(a, _))| axis(a, &[i])).collect();
        let before = vec![axis(flat, &(0..into.len()).collect::<Vec<_>>())];
        self.graph.factor(Factoring { lengths, before, after, reason: self.why });
    }

    fn multiply(&mut self, from: &[(TensorAxis, usize)], flat: TensorAxis) {
        let lengths = from.iter().map(|&(_, n)| Some(n)).collect();
        let before = from.iter().enumerate().map(|(i, &(a, _))| axis(a, &[i])).collect();
        let after = vec![axis(flat, &(0..from.len()).collect::<Vec<_>>())];
        self.graph.factor(Factoring { lengths, before, after, reason: self.why });
    }
}

/// For each index of an axis, the first index of the same class on that axis, or -1 if it is pinned.
fn pattern(classes: &Classes, axis: TensorAxis) -> Vec<isize> {
    let n = classes.size(axis).expect("known");
    let class: Vec<_> = (0..n).map(|i| classes.class_of(axis, i)).collect();
    class.iter().map(|c| c.map_or(-1, |_| class.iter().position(|d| d == c).expect("itself") as isize)).collect()
}

#[test]
fn heads_are_the_outermost_factor() {
    let mut net = Net::new();
    let (flat, heads) = (net.axes("flat", &[6, 1])[0], net.axes("heads", &[3, 2]));
    net.cut(flat, &[(heads[0], 3), (heads[1], 2)]);
    let classes = net.graph.close();
    assert_eq!(pattern(&classes, flat), [0, 0, 2, 2, 4, 4]);
    assert_eq!(pattern(&classes, heads[0]), [0, 1, 2]);
    assert_eq!(pattern(&classes, heads[1]), [-1, -1]);
    assert_eq!(classes.class_of(flat, 3), classes.class_of(heads[0], 1));
}

#[test]
fn a_pinned_outer_factor_leaves_the_inner_one() {
    let mut net = Net::new();
    let (flat, parts) = (net.axes("flat", &[6, 1])[0], net.axes("parts", &[3, 2]));
    net.graph.pin(parts[0], net.why);
    net.cut(flat, &[(parts[0], 3), (parts[1], 2)]);
    let classes = net.graph.close();
    assert_eq!(pattern(&classes, flat), [0, 1, 0, 1, 0, 1]);
    assert_eq!(classes.class_of(flat, 5), classes.class_of(parts[1], 1));
}

#[test]
fn a_fused_axis_joins_the_middle_factor() {
    let mut net = Net::new();
    let (flat, parts) = (net.axes("flat", &[12, 1])[0], net.axes("parts", &[3, 2, 2]));
    net.graph.pin(parts[0], net.why);
    net.cut(flat, &[(parts[0], 3), (parts[1], 2), (parts[2], 2)]);
    let classes = net.graph.close();
    assert_eq!(pattern(&classes, flat), [0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2]);
    assert_eq!(pattern(&classes, parts[2]), [-1, -1]);
}

#[test]
fn a_shuffle_joins_the_factor_that_its_second_reshape_leaves() {
    // 6 channels become 2 groups of 3, are transposed and multiplied again: index g * 3 + k becomes k * 2 + g.
    let mut net = Net::new();
    let (x, y) = (net.axes("x", &[6, 1])[0], net.axes("y", &[6, 1])[0]);
    let (cut, turned) = (net.axes("cut", &[2, 3]), net.axes("turned", &[3, 2]));
    net.cut(x, &[(cut[0], 2), (cut[1], 3)]);
    net.graph.join(cut[0], turned[1], net.why);
    net.graph.join(cut[1], turned[0], net.why);
    net.multiply(&[(turned[0], 3), (turned[1], 2)], y);
    let classes = net.graph.close();
    assert_eq!(pattern(&classes, x), [0, 1, 2, 0, 1, 2]);
    assert_eq!(pattern(&classes, y), [0, 0, 2, 2, 4, 4]);
    assert_eq!(classes.class_of(x, 4), classes.class_of(y, 2));
}

#[test]
fn flattening_maps_a_channel_to_its_block_and_pins_the_rest() {
    let mut net = Net::new();
    let (image, flat) = (net.axes("image", &[3, 2]), net.axes("flat", &[6, 1])[0]);
    net.multiply(&[(image[0], 3), (image[1], 2)], flat);
    let classes = net.graph.close();
    assert_eq!(pattern(&classes, flat), [0, 0, 2, 2, 4, 4]);
    assert_eq!(pattern(&classes, image[1]), [-1, -1]);
    // Channels last: the outer axis is pinned, so the inner one joins.
    let mut net = Net::new();
    let (image, flat) = (net.axes("image", &[3, 2]), net.axes("flat", &[6, 1])[0]);
    net.graph.pin(image[0], net.why);
    net.multiply(&[(image[0], 3), (image[1], 2)], flat);
    let classes = net.graph.close();
    assert_eq!(pattern(&classes, flat), [0, 1, 0, 1, 0, 1]);
}

#[test]
fn all_cuts_of_one_axis_choose_alike() {
    for pinned in [false, true] {
        let mut net = Net::new();
        let x = net.axes("x", &[6, 1])[0];
        let y = net.axes("y", &[6, 1])[0];
        let (a, b) = (net.axes("a", &[3, 2]), net.axes("b", &[3, 2]));
        net.graph.join(x, y, net.why);
        if pinned {
            net.graph.pin(b[0], net.why);
        }
        net.cut(x, &[(a[0], 3), (a[1], 2)]);
        net.cut(y, &[(b[0], 3), (b[1], 2)]);
        let classes = net.graph.close();
        let expected: [isize; 6] = if pinned { [0, 1, 0, 1, 0, 1] } else { [0, 0, 2, 2, 4, 4] };
        assert_eq!(pattern(&classes, x), expected);
        assert_eq!(pattern(&classes, y), expected);
    }
}

#[test]
fn an_axis_that_a_cut_settled_is_cut_the_same_way_again() {
    // Torch writes attention as (S, B, H * D), then (S, B * H, D), then (B, H, S, D). Later B becomes a factor of S *
    // B, and a cut of that axis pins B. Only this last cut shows that B stays.
    for given_away in [false, true] {
        let mut net = Net::new();
        let (x, flat) = (net.axes("x", &[2, 6]), net.axes("flat", &[6, 2]));
        let (heads, rows) = (net.axes("heads", &[2, 3]), net.axes("rows", &[10, 5]));
        let out = net.axes("out", &[5, 2]);
        net.graph.factor(Factoring {
            lengths: vec![Some(2), Some(3), Some(2)],
            before: vec![axis(x[0], &[0]), axis(x[1], &[1, 2])],
            after: vec![axis(flat[0], &[0, 1]), axis(flat[1], &[2])],
            reason: net.why,
        });
        net.cut(flat[0], &[(heads[0], 2), (heads[1], 3)]);
        if given_away {
            net.graph.pin(rows[1], net.why);
            net.multiply(&[(rows[1], 5), (heads[0], 2)], rows[0]);
            net.graph.pin(out[1], net.why);
            net.cut(rows[0], &[(out[0], 5), (out[1], 2)]);
        }
        let classes = net.graph.close();
        assert_eq!(pattern(&classes, x[1]), [0, 0, 2, 2, 4, 4], "given away: {given_away}");
        assert_eq!(pattern(&classes, flat[0]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(pattern(&classes, heads[1]), [0, 1, 2]);
        assert_eq!((pattern(&classes, heads[0]), pattern(&classes, x[0])), (vec![-1; 2], vec![-1; 2]));
        assert_eq!(classes.class_of(x[1], 3), classes.class_of(heads[1], 1));
    }
}

#[test]
fn heads_that_share_keys_go_together() {
    // Two heads of keys serve four heads of queries. The axis of queries is cut after this is known.
    let mut net = Net::new();
    let (keys, queries) = (net.axes("keys", &[2, 2]), net.axes("queries", &[8, 1])[0]);
    let (repeated, heads) = (net.axes("repeated", &[4, 1])[0], net.axes("heads", &[4, 2]));
    net.graph.pin(keys[1], net.why);
    net.multiply(&[(keys[0], 2), (keys[1], 2)], repeated);
    net.graph.join(repeated, heads[0], net.why);
    net.cut(queries, &[(heads[0], 4), (heads[1], 2)]);
    let classes = net.graph.close();
    assert_eq!(pattern(&classes, queries), [0, 0, 0, 0, 4, 4, 4, 4]);
    assert_eq!(classes.class_of(queries, 5), classes.class_of(keys[0], 1));
}

#[test]
fn cuts_of_one_axis_without_a_common_factor_pin_it() {
    let mut net = Net::new();
    let x = net.axes("x", &[12, 1])[0];
    let (a, b) = (net.axes("a", &[3, 4]), net.axes("b", &[4, 3]));
    net.cut(x, &[(a[0], 3), (a[1], 4)]);
    net.cut(x, &[(b[0], 4), (b[1], 3)]);
    let classes = net.graph.close();
    assert_eq!(pattern(&classes, x), [-1; 12]);
}

#[test]
fn groups_of_channels_meet_over_a_regrouping() {
    // (4 channels, 3 pixels) become (2 groups, 6 values): whole groups go.
    let mut net = Net::new();
    let (before, after) = (net.axes("before", &[4, 3]), net.axes("after", &[2, 6]));
    net.graph.pin(before[1], net.why);
    net.graph.factor(Factoring {
        lengths: vec![Some(2), Some(2), Some(3)],
        before: vec![axis(before[0], &[0, 1]), axis(before[1], &[2])],
        after: vec![axis(after[0], &[0]), axis(after[1], &[1, 2])],
        reason: net.why,
    });
    let classes = net.graph.close();
    assert_eq!(pattern(&classes, before[0]), [0, 0, 2, 2]);
    assert_eq!(pattern(&classes, after[0]), [0, 1]);
    assert_eq!(pattern(&classes, after[1]), [-1; 6]);
}

#[test]
fn a_factor_of_unknown_length_joins_nothing() {
    let mut net = Net::new();
    let flat = net.graph.tensor("flat", &[None]).expect("new").axis(0);
    let parts = net.axes("parts", &[3, 2]);
    net.graph.factor(Factoring {
        lengths: vec![None, Some(2)],
        before: vec![axis(flat, &[0, 1])],
        after: vec![axis(parts[0], &[0]), axis(parts[1], &[1])],
        reason: net.why,
    });
    let classes = net.graph.close();
    assert_eq!(pattern(&classes, parts[1]), [-1, -1]);
}

#[test]
fn heads_pass_through_an_axis_of_runs() {
    // With an open batch, (batch, 3 heads * 2) becomes (batch * 3, 2), and then (batch, 3, 2).
    let mut net = Net::new();
    let (flat, heads) = (net.axes("flat", &[6, 1])[0], net.axes("heads", &[3, 2]));
    let batch = net.graph.tensor("batch", &[None]).expect("new").axis(0);
    let [merged, other] = ["merged", "other"].map(|name| net.graph.tensor(name, &[None]).expect("new").axis(0));
    let unlike = net.graph.tensor("unlike", &[None, None]).expect("new");
    net.graph.set_runs(merged, 3);
    net.graph.set_runs(other, 3);
    net.graph.set_runs(unlike.axis(0), 6);
    net.graph.set_runs(flat, 2);
    assert_eq!((net.graph.runs(merged), net.graph.runs(flat)), (Some(3), None));
    let width = net.axes("width", &[2, 1])[0];
    net.graph.factor(Factoring {
        lengths: vec![None, Some(3), Some(2)],
        before: vec![axis(batch, &[0]), axis(flat, &[1, 2])],
        after: vec![axis(merged, &[0, 1]), axis(width, &[2])],
        reason: net.why,
    });
    net.graph.join(merged, other, net.why);
    net.graph.factor(Factoring {
        lengths: vec![None, Some(3)],
        before: vec![axis(other, &[0, 1])],
        after: vec![axis(unlike.axis(1), &[0]), axis(heads[0], &[1])],
        reason: net.why,
    });
    let mut pinned = net.graph.clone();
    let classes = net.graph.close();
    assert_eq!(pattern(&classes, flat), [0, 0, 2, 2, 4, 4]);
    assert_eq!(classes.class_of(flat, 3), classes.class_of(heads[0], 1));
    assert_eq!(pattern(&classes, width), [-1, -1]);
    let mut removal = Removal::none(&classes);
    removal.close(classes.class_of(flat, 0).expect("a class"));
    assert_eq!(removal.kept_of_run(&classes, other), Some((2, 3)));
    assert_eq!((removal.kept_len(&classes, other), removal.kept_of_run(&classes, flat)), (None, None));
    // An axis with runs of another length, without runs, or of known length does not match.
    for axis in [unlike.axis(0), unlike.axis(1), heads[0]] {
        let mut graph = pinned.clone();
        graph.join(merged, axis, net.why);
        assert!(graph.is_pinned(merged) && graph.is_pinned(axis));
    }
    pinned.pin(other, net.why);
    // The heads stay, so the inner factor goes.
    assert_eq!(pattern(&pinned.close(), flat), [0, 1, 0, 1, 0, 1]);
}
