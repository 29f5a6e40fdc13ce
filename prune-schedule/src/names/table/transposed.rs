//! Transposed convolutions, which torch stores as (in, out, ..), and convolutions that may be transposed.

use crate::names::entry::{Axes, NameEntry, weight};

const MIMI: &[&str] = &[
    "mimi",
    "mimi_decoder",
    "csm",
    "kyutai_speech_to_text",
    "moshi",
    "pocket_tts_audio_tokenizer",
    "pocket_tts_audio_tokenizer_decoder",
    "pocket_tts",
];

/// An entry for a name that is a transposed convolution in every model.
const fn transposed(pattern: &'static str) -> NameEntry {
    weight(pattern, Axes::InOutFirst).ranks(3, 5)
}

/// An entry for a name that both kinds of convolution have.
const fn either(pattern: &'static str) -> NameEntry {
    weight(pattern, Axes::Convolution).ranks(3, 5)
}

pub(super) const ENTRIES: &[NameEntry] = &[
    transposed("**.upsampler.#.{weight,weight_v,original1}").of(&["vits"]),
    transposed("**.upsample.conv.weight").of(MIMI),
    transposed("**.{deconv,deconv1,deconv2,deconv3,convtr,conv_transpose*}.weight"),
    transposed("**.{convtr,conv_t1,conv_transpose,deconv}.{weight_v,original1}"),
    transposed("**.{conv_t1,conv5_mask,kps_score_lowres,upscale_conv1,upscale_conv2,upsampling}.weight"),
    transposed("**.{deconv_layers,deconvs}.#.weight"),
    transposed("**.proto.upsample.weight"),
    transposed("**.fpn1.{0,3}.weight"),
    transposed("**.fpn2.0.weight"),
    transposed("**.reassemble_stage.layers.{0,1}.resize.weight"),
    weight("**.reassemble_stage.layers.3.resize.weight", Axes::OutIn).rank(4),
    transposed("**.feature_upsample.{intermediate,scaled_images}.#.layers.{1,2,3}.weight"),
    transposed("fpn.fpn2.weight").of(&["beit", "data2vec-vision"]),
    transposed("**.upscale_block.block.#.conv1.weight"),
    transposed("**.resize_layers.{0,1}.weight"),
    weight("**.resize_layers.3.weight", Axes::OutIn).rank(4),
    transposed("**.convt_pre.{weight,weight_v,original1}"),
    transposed("**.conv_up.convolution.weight").of(&[
        "pp_ocrv5_mobile_det",
        "pp_ocrv6_small_det",
        "pp_ocrv6_medium_det",
        "pp_ocrv6_tiny_det",
    ]),
    transposed("head.layers.1.weight").of(&["depth_pro"]),
    transposed("**.{upsampler,upsample}.weight").of(&[
        "nemo_speechlm",
        "nemotron3_5_transcribe",
        "nemotron3_5_transcribe_word_timestamp",
    ]),
    transposed("**.output_upscaling.{0,3}.weight"),
    transposed("**.feature_upsample.image_block.layers.#.weight"),
    weight("**.feature_upsample.{intermediate,scaled_images}.#.layers.0.weight", Axes::OutIn).rank(4),
    transposed("**.{shortcut_up_sample,up_sample}.weight").of(&["Kandinsky3UNet"]),
    transposed("**.up_upscalers.#.1.weight").of(&["StableCascadeUNet"]),
    either("**.{upsampler,ups}.#.{weight,weight_v,original1}"),
    either("**.ups.#.#.{weight,weight_v,original1}"),
    either("**.{up,upsample,upsampler,upscale,upconv,up_conv,up_sample,resize,unpool,convt}.weight"),
    weight("**.upsample.conv.weight", Axes::OutIn).rank(3).of(&["MMAudioVAE"]),
    either("**.upsample.conv.weight").rank(3),
    either("**.up.{conv,#}.weight"),
];
