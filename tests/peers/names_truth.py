"""The roles of tensors by the classes of their modules: builds models without values, and tells weights from the rest.

`names.py build` runs it. Every line written is: source, kind of model, class of model (with `:saved` where transformers writes
other names to files than it uses), name, shape, class (W a weight, O other, ? a parameter of a module whose class tells
nothing), input axes or -, class of the module. Of names that differ in numbers only, the first is written.
"""

import gc
import re
import signal
import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore")

PLAIN = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)

class Timeout(Exception):
    pass


def alarm(*_):
    raise Timeout()


def is_norm(module):
    return "norm" in type(module).__name__.lower() and not isinstance(module, PLAIN)


def truth_of(module, parameter, shape):
    """Class and input axes of a parameter, by the class of its module."""
    kind = type(module).__name__
    if len(shape) < 2:
        return "O", None
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)) or is_norm(module):
        return "O", None
    if parameter == "weight_g":
        return "O", None
    # Weight norm keeps directions as `weight_v`, of the shape of the weight.
    if parameter in ("weight", "weight_v", "weight_orig"):
        if isinstance(module, TRANSPOSED):
            return "W", (0,)
        if isinstance(module, PLAIN):
            return "W", (1,)
        if kind == "Conv1D":
            return "W", (0,)
        if isinstance(module, nn.Bilinear):
            return "W", (1, 2)
    if isinstance(module, nn.RNNBase) and parameter.startswith("weight_"):
        return "W", (1,)
    if isinstance(module, nn.MultiheadAttention) and parameter.endswith("proj_weight"):
        return "W", (1,)
    if kind.endswith("Experts") and len(shape) == 3 and not parameter.endswith("bias"):
        transposed = getattr(module, "is_transposed", None)
        if transposed is not None:
            return "W", (1,) if transposed else (2,)
    if parameter == "weight" and re.search(r"Router|TopkGate|TopKGate|MoEGate|MoeGate", kind):
        return "O", None
    # Weight norm: magnitudes are not weights, directions have the axes of the layer.
    if kind == "ParametrizationList":
        return ("W", None) if parameter == "original1" else ("?", None)
    return "?", None


def collapsed(name):
    return re.sub(r"(?<![A-Za-z_0-9])\d+(?![A-Za-z_0-9])", "#", name)


def saved(model, truths):
    """The tensors as transformers writes them to files: their truth is followed through by values that tell the source, and
    differ along the input axis only."""
    from transformers.core_model_loading import revert_weight_conversion

    traced = {}
    for place, (name, (shape, _, axes, _)) in enumerate(truths.items()):
        values = torch.full([1] * len(shape), float(place))
        if axes:
            steps = [1] * len(shape)
            steps[axes[0]] = shape[axes[0]]
            values = values + (torch.arange(shape[axes[0]]) % 2 * 0.25).reshape(steps)
        traced[name] = values.expand(shape)
    sources = list(truths.values())
    result = {}
    for name, tensor in revert_weight_conversion(model, traced).items():
        if tensor.numel() == 0:
            continue
        first = (0,) * tensor.dim()
        place = float(tensor[first])
        _, truth, axes, label = sources[int(place)]
        if axes and sources[int(place)][0][axes[0]] > 1:
            moved = lambda axis: tuple(int(at == axis) for at in range(tensor.dim()))
            axes = [a for a in range(tensor.dim()) if tensor.shape[a] > 1 and float(tensor[moved(a)]) != place][:1]
        result[name] = (tuple(tensor.shape), truth, axes, label)
    return result


def lines(model, source, kind, cls, out):
    truths = truths_of(model)
    write(truths, source, kind, cls, out)
    if source == "transformers":
        try:
            files = saved(model, truths)
        except Exception as why:
            print(f"{source}\t{kind}\t{cls}\tNOT SAVED\t{type(why).__name__}: {str(why)[:150]!r}", flush=True)
        else:
            if files.keys() != truths.keys():
                write(files, source, kind, cls + ":saved", out)
    return len(truths)


def truths_of(model):
    buffers = {name for name, _ in model.named_buffers()}
    try:
        head = model.get_output_embeddings()
    except Exception:
        head = None
    table = None
    try:
        table = model.get_input_embeddings()
    except Exception:
        pass
    modules = dict(model.named_modules(remove_duplicate=False))
    parameters = dict(model.named_parameters(remove_duplicate=False))
    tables = {id(m.weight) for m in modules.values() if isinstance(m, nn.Embedding)}
    truths = {}
    for name, tensor in model.state_dict().items():
        shape = tuple(tensor.shape)
        owner, _, parameter = name.rpartition(".")
        module = modules.get(owner)
        label = type(module).__name__ if module is not None else "-"
        if name in buffers and name not in parameters:
            truth, axes, label = "O", None, label + ":buffer"
        elif module is None:
            truth, axes = "?", None
        else:
            truth, axes = truth_of(module, parameter, shape)
            if label == "ParametrizationList":
                outer = modules[owner.rsplit(".parametrizations", 1)[0]]
                label = type(outer).__name__ + ":" + label
                if parameter == "original1":
                    axes = (0,) if isinstance(outer, TRANSPOSED) else (1,)
                if parameter == "original0":
                    truth = "O"
            if parameter == "weight" and module is head or id(parameters.get(name)) in tables:
                truth, axes, label = "O", None, label + ":vocabulary"
        truths[name] = (shape, truth, axes, label)
    return truths


def write(truths, source, kind, cls, out):
    seen = set()
    for name, (shape, truth, axes, label) in truths.items():
        key = (collapsed(name), len(shape), label)
        if key in seen:
            continue
        seen.add(key)
        out.write("\t".join([
            source, kind, cls, name, ",".join(map(str, shape)), truth, ",".join(map(str, axes)) if axes else "-", label,
        ]) + "\n")
    out.flush()


LAYERS = re.compile(r"^(num_.*layers|n_layers?|.*_layers|num_.*blocks|depth|.*_depth|n_blocks)$")
EXPERTS = re.compile(r"^(num_.*experts|n_routed_experts|moe_num_experts|n_shared_experts)$")


def shrink(config, experts, seen=None):
    """Two layers, and four experts, of the same widths."""
    for key, value in list(vars(config).items()):
        if key.startswith("_"):
            continue
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            shrink(value, experts)
        elif type(value) is int and LAYERS.match(key) and value > 2:
            setattr(config, key, 2)
        elif key in ("layer_types", "layers_block_type", "mlp_layer_types", "attention_types") and isinstance(value, list) and value and isinstance(value[0], str):
            kinds = list(dict.fromkeys(value))
            keep = (kinds + kinds)[: max(2, len(kinds))]
            setattr(config, key, keep)
            for layers in ("num_hidden_layers",):
                if hasattr(config, layers):
                    setattr(config, layers, len(keep))
        elif experts and type(value) is int and EXPERTS.match(key) and value > 4:
            setattr(config, key, 4)
    return config


CATEGORIES = [
    "MODEL_FOR_CAUSAL_LM", "MODEL_FOR_PRETRAINING", "MODEL_FOR_MASKED_LM", "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM",
    "MODEL_FOR_SPEECH_SEQ_2_SEQ", "MODEL_FOR_IMAGE_TEXT_TO_TEXT", "MODEL_FOR_MULTIMODAL_LM", "MODEL_FOR_CTC", "MODEL_FOR_RNNT", "MODEL_FOR_TDT",
    "MODEL_FOR_TEXT_TO_WAVEFORM", "MODEL_FOR_TEXT_TO_SPECTROGRAM", "MODEL_FOR_OBJECT_DETECTION",
    "MODEL_FOR_UNIVERSAL_SEGMENTATION", "MODEL_FOR_SEMANTIC_SEGMENTATION", "MODEL_FOR_MASK_GENERATION", "MODEL_FOR_INSTANCE_SEGMENTATION",
    "MODEL_FOR_DEPTH_ESTIMATION", "MODEL_FOR_ZERO_SHOT_OBJECT_DETECTION", "MODEL_FOR_IMAGE_CLASSIFICATION",
    "MODEL_FOR_SEQUENCE_CLASSIFICATION", "MODEL_FOR_MASKED_IMAGE_MODELING", "MODEL_FOR_AUDIO_CLASSIFICATION",
    "MODEL_FOR_QUESTION_ANSWERING", "MODEL_FOR_TIME_SERIES_PREDICTION", "MODEL_FOR_KEYPOINT_DETECTION",
    "MODEL_FOR_KEYPOINT_MATCHING", "MODEL_FOR_IMAGE_TO_IMAGE", "MODEL_FOR_VIDEO_CLASSIFICATION", "MODEL_FOR_VISUAL_QUESTION_ANSWERING", "MODEL",
]


# Settings that the default configuration of a kind leaves out.
OVERRIDES = {
    "autoformer": {"prediction_length": 24},
    "beit": {"out_indices": [3, 5, 7, 11]},
    "chameleon": {"vocabulary_map": {"<image>": 8711}},
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1},
    "esm": {"vocab_size": 33},
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128},
    "informer": {"prediction_length": 24},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2},
    "ministral": {"head_dim": 128},
    "time_series_transformer": {"prediction_length": 24},
}


def transformers_models():
    from transformers import AutoConfig
    from transformers.models.auto import modeling_auto
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    classes = {}
    for kind in CONFIG_MAPPING_NAMES:
        names = classes.setdefault(kind, [])
        for category in CATEGORIES:
            found = getattr(modeling_auto, category + "_MAPPING_NAMES", {}).get(kind)
            names += [name for name in ([found] if isinstance(found, str) else found or []) if name not in names]
    # The fullest class of every kind first, so that a run that is cut short has seen them all.
    wanted = [(kind, name) for kind, names in classes.items() for name in names[:4]]
    for kind, name in sorted(wanted, key=lambda pair: classes[pair[0]].index(pair[1])):
        def make(name=name, kind=kind):
            import transformers

            failure = None
            for attempt in (2, 1, 0):
                try:
                    cls = getattr(transformers, name)
                    config = AutoConfig.for_model(kind, **OVERRIDES.get(kind, {}))
                    if attempt:
                        shrink(config, attempt == 2)
                    with torch.device("meta"):
                        return cls._from_config(config) if hasattr(cls, "_from_config") else cls(config)
                except Timeout:
                    raise
                except Exception as why:
                    failure = why
            raise failure

        yield kind, name, make


def timm_models():
    import timm

    for module in timm.list_modules():
        names = timm.list_models(module=module)
        for name in dict.fromkeys(names[:1] + names[len(names) // 2 : len(names) // 2 + 1] + names[-1:]):
            def make(name=name):
                with torch.device("meta"):
                    return timm.create_model(name, pretrained=False)

            yield name, name, make


def torchvision_models():
    import torchvision

    for name in torchvision.models.list_models():
        def make(name=name):
            # RegNet computes with values while it is built.
            with torch.device("cpu" if name.startswith("regnet") else "meta"):
                extra = {"weights_backbone": None} if any(w in name for w in ("rcnn", "retinanet", "fcos", "ssd", "deeplab", "fcn", "lraspp")) else {}
                return torchvision.models.get_model(name, weights=None, **extra)

        yield name, name, make


def diffusers_models():
    import diffusers
    from diffusers import ModelMixin

    for name in sorted(dir(diffusers)):
        if name.startswith("Flax"):
            continue
        try:
            cls = getattr(diffusers, name)
        except Exception:
            continue
        if not isinstance(cls, type) or not issubclass(cls, ModelMixin) or cls is ModelMixin:
            continue

        def make(cls=cls):
            with torch.device("meta"):
                return cls()

        yield name, name, make


SOURCES = {
    "transformers": transformers_models, "timm": timm_models, "torchvision": torchvision_models, "diffusers": diffusers_models,
}


def build(directory, *only):
    signal.signal(signal.SIGALRM, alarm)
    kinds = [word for word in only if word not in SOURCES]
    for source in [word for word in only if word in SOURCES] or SOURCES:
        built = failed = 0
        with open(f"{directory}/{source}.tsv", "w") as out:
            for kind, name, make in SOURCES[source]():
                if kinds and kind not in kinds:
                    continue
                signal.alarm(90)
                model = None
                try:
                    model = make()
                    count = lines(model, source, kind, name, out)
                    built += 1
                    print(f"{source}\t{kind}\t{name}\tok\t{count}", flush=True)
                except Exception as why:
                    failed += 1
                    print(f"{source}\t{kind}\t{name}\tFAILED\t{type(why).__name__}: {str(why)[:150]!r}", flush=True)
                finally:
                    signal.alarm(0)
                model = None
                gc.collect()
        print(f"{source}: {built} built, {failed} failed", flush=True)
