//! Files that hold weights, recognised by their names: other formats, and copies of a model for other programs.

/// File name endings of weights in formats other than safetensors.
const ENDINGS: [&str; 26] = [
    "bin",
    "ckpt",
    "engine",
    "ggml",
    "gguf",
    "h5",
    "hdf5",
    "keras",
    "llamafile",
    "mlmodel",
    "msgpack",
    "nemo",
    "onnx",
    "onnx_data",
    "ot",
    "params",
    "pb",
    "pdparams",
    "pickle",
    "pkl",
    "plan",
    "pt",
    "pth",
    "ptl",
    "tflite",
    "trt",
];

/// True if a file of this name holds weights in another format, or the whole model a second time.
pub(crate) fn is_foreign(name: &str) -> bool {
    let name = name.to_lowercase();
    let arrays = ending(&name) == "npz" && (name.contains("weights") || name.contains("model"));
    let tensorflow = name.contains(".ckpt.") || name.contains(".ckpt-") || name == "variables.index" || is_part(&name);
    ENDINGS.contains(&ending(&name))
        || arrays
        || tensorflow
        || name.ends_with(".onnx.data")
        || name.contains(".onnx_data")
        || name.starts_with("openvino_")
        || name.starts_with("consolidated")
}

/// True if a file of this name may hold weights in another format, judged only by the end of the name.
pub(crate) fn may_hold_weights(name: &str) -> bool {
    let name = name.to_lowercase();
    ENDINGS.contains(&ending(&name)) || ending(&name) == "npz"
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// True if a name ends like one part of many: `.data-00000-of-00001`.
fn is_part(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = name.rsplit_once(".data-").and_then(|(_, part)| part.split_once("-of-"));
    part.is_some_and(|(part, of)| digits(part) && digits(of))
}

/// The name of the file that an index of shards stands for, if `name` is that of an index.
pub(crate) fn indexed(name: &str) -> Option<&str> {
    let of = name.strip_suffix(".index.json")?;
    (of.ends_with(".safetensors") || is_foreign(of)).then_some(of)
}

/// True if a folder of this name is a program's record of the other files, with copies of them: a repository's history,
/// or downloads.
pub(crate) fn is_bookkeeping(name: &str) -> bool {
    matches!(name, ".git" | ".hg" | ".svn" | ".cache" | ".dvc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_others_are_told_from_what_describes() {
        for name in [
            "pytorch_model.bin",
            "pytorch_model-00001-of-00002.bin",
            "tf_model.h5",
            "flax_model.msgpack",
            "Q4.GGUF",
            "consolidated.00.pth",
            "consolidated.safetensors",
            "model.onnx",
            "model.onnx_data",
            "model.onnx.data",
            "model.ckpt.data-00000-of-00001",
            "model.ckpt-1000.index",
            "variables.data-00000-of-00001",
            "saved_model.pb",
            "weights.npz",
            "openvino_model.xml",
            "rust_model.ot",
            "optimizer.pt",
        ] {
            assert!(is_foreign(name), "{name}");
        }
        for name in [
            "config.json",
            "modeling_x.py",
            "qwen.tiktoken",
            "vocab.bpe",
            "merges.txt",
            "tokenizer.model",
            "spiece.model",
            "added_tokens.json",
            "chat_template.jinja",
            "README.md",
            "LICENSE",
            "preprocessor_config.json",
            "bin",
            "pt",
            "voice.npz",
            "voice.npy",
            "voice.onnx.json",
            ".gitattributes",
            "model.safetensors",
            "model_index.json",
            "sample.wav",
            "index.json",
        ] {
            assert!(!is_foreign(name), "{name}");
        }
        assert!(["voice.npz", "Q4.GGUF", "saved_model.pb"].into_iter().all(may_hold_weights));
        assert!(!["voice.npy", "bin", "config.json", "model.safetensors"].into_iter().any(may_hold_weights));
        assert_eq!(indexed("model.safetensors.index.json"), Some("model.safetensors"));
        assert_eq!(indexed("pytorch_model.bin.index.json"), Some("pytorch_model.bin"));
        assert_eq!(indexed("words.index.json"), None);
    }
}
