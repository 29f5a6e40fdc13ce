//! Transposed convolutions, which torch stores as (in, out, ..), and what may be one.

use crate::names::entry::{Axes, Entry, weight};

pub(super) const ENTRIES: &[Entry] = &[
    weight("**.upsampler.*.{weight_v,original1,weight}", Axes::InOutFirst).ranks(3, 5).of(&["vits"]),
    weight("**.{deconv,conv_transpose,upconv,deconv1,deconv2,deconv3}.weight", Axes::InOutFirst).ranks(3, 5),
    weight("**.{upsampler,ups}.*.{weight_v,weight}", Axes::Convolution).ranks(3, 5),
    weight("**.{up,upsample,upsampling,upscale}.weight", Axes::Convolution).ranks(3, 5),
    weight("**.conv5_mask.weight", Axes::InOutFirst).ranks(3, 5),
];
