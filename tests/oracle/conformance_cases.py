"""Makes the op cases in tests/conformance/extra with PyTorch in float64, rounded once.

They cover ops and settings that tests/conformance/cases leaves out; FORMAT.md there says what stands
in a case. Needs PyTorch 1.13 or later:

    python3 tests/oracle/conformance_cases.py
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

EXTRA = Path(__file__).parents[1] / "conformance" / "extra"
generator = torch.Generator()


def randn(*shape, scale=1.0, shift=0.0):
    """Normal numbers of four decimals, so that the files stay short."""
    return (torch.randn(*shape, generator=generator, dtype=torch.float64) * scale + shift).round(decimals=4)


def as_json(x):
    if x.dtype == torch.int32:
        return {"dtype": "int32", "shape": list(x.shape), "data": x.flatten().tolist()}
    data = [float(f"{v:.9g}") for v in x.detach().double().flatten().tolist()]
    return {"dtype": "float32", "shape": list(x.shape), "data": data}


def evaluate(compute, inputs, grad_output, dtype):
    cast = {
        k: v.clone().to(dtype).requires_grad_() if v.is_floating_point() else v
        for k, v in inputs.items()
    }
    outputs = compute(cast)
    grads = {}
    if grad_output is not None:
        outputs["y"].backward(grad_output.to(dtype))
        grads = {k: v.grad for k, v in cast.items() if v.is_floating_point() and v.grad is not None}
    return outputs, grads


def case(name, op, params, inputs, compute, differentiable=True):
    """Writes extra/NAME.json; `compute` maps the inputs to the outputs."""
    shape = compute(dict(inputs))["y"].shape if differentiable else None
    grad_output = None
    if differentiable:
        grad_output = randn(*shape) if len(shape) else torch.ones((), dtype=torch.float64)
    exact = evaluate(compute, inputs, grad_output, torch.float64)
    single = evaluate(compute, inputs, grad_output, torch.float32)
    difference = max(
        (got[k].double() - want[k]).abs().max().item()
        for got, want in zip(single, exact)
        for k in want
    )
    content = {
        "name": name,
        "op": op,
        "params": params,
        "inputs": {k: as_json(v) for k, v in inputs.items()},
        **({"grad_output": as_json(grad_output)} if differentiable else {}),
        "outputs": {k: as_json(v) for k, v in exact[0].items()},
        **({"grads": {k: as_json(v) for k, v in exact[1].items()}} if differentiable else {}),
        "f32_max_abs_diff": float(f"{difference:.3g}"),
    }
    (EXTRA / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")


def y(value):
    return {"y": value}


def convolutions():
    def conv(name, x, w, bias=None, stride=1, padding=0, dilation=1, groups=1):
        def compute(t):
            top, left, bottom, right = padding if isinstance(padding, list) else [padding] * 4
            padded = F.pad(t["x"], (left, right, top, bottom))
            return y(F.conv2d(padded, t["weight"], t.get("bias"), stride, 0, dilation, groups))

        inputs = {"x": x, "weight": w} | ({} if bias is None else {"bias": bias})
        params = dict(
            kernel=list(w.shape[2:]), stride=stride, padding=padding, dilation=dilation,
            groups=groups, bias=bias is not None,
        )
        case(name, "conv2d", params, inputs, compute)

    conv("conv2d_1x1_s2_c4_k6_7x5", randn(2, 4, 7, 5), randn(6, 4, 1, 1), stride=2)
    conv("conv2d_3x3_dilation2_7x6", randn(1, 2, 7, 6), randn(3, 2, 3, 3), stride=1, padding=2, dilation=2)
    conv("conv2d_3x3_groups2_bias_5x4", randn(2, 4, 5, 4), randn(6, 2, 3, 3), randn(6), padding=1, groups=2)
    conv("conv2d_depthwise_s2_6x7", randn(1, 3, 6, 7), randn(3, 1, 3, 3), stride=2, padding=1, groups=3)
    conv("conv2d_5x3_6x5", randn(1, 2, 6, 5), randn(2, 2, 5, 3), padding=1)
    conv("conv2d_3x3_s2_pad_bottom_right_6x6", randn(1, 3, 6, 6), randn(2, 3, 3, 3), stride=2, padding=[0, 0, 1, 1])
    conv("conv2d_3x3_one_pixel", randn(1, 1, 1, 1), randn(2, 1, 3, 3), padding=1)


def norms():
    affine = lambda *shape: {"gamma": randn(*shape, scale=0.3, shift=1), "beta": randn(*shape)}

    def per_position(t):
        rows = t["x"].permute(0, 2, 3, 1)
        return y(F.layer_norm(rows, rows.shape[-1:], t["gamma"], t["beta"]).permute(0, 3, 1, 2))

    case("layer_norm_c_2x6x3x4", "layer_norm", {"normalized_shape": [6], "eps": 1e-5, "affine": True},
         {"x": randn(2, 6, 3, 4)} | affine(6), per_position)
    case("layer_norm_f_5x7", "layer_norm", {"normalized_shape": [7], "eps": 1e-5, "affine": False},
         {"x": randn(5, 7)}, lambda t: y(F.layer_norm(t["x"], [7])))
    case("group_norm_g3_1x6x2x3_no_affine", "group_norm", {"groups": 3, "eps": 1e-3, "affine": False},
         {"x": randn(1, 6, 2, 3)}, lambda t: y(F.group_norm(t["x"], 3, eps=1e-3)))
    case("instance_norm_2x3x4x3_no_affine", "instance_norm", {"eps": 1e-5, "affine": False},
         {"x": randn(2, 3, 4, 3)}, lambda t: y(F.instance_norm(t["x"])))

    # A mean a hundred times the deviation: E[x²] − μ² in float32 would lose all digits.
    def batch(t):
        return y(F.batch_norm(t["x"], None, None, t["gamma"], t["beta"], training=True))

    case("batch_norm_train_large_mean_3x2x5x3", "batch_norm",
         {"training": True, "momentum": 0.1, "eps": 1e-5, "affine": True},
         {"x": randn(3, 2, 5, 3, shift=100)} | affine(2), batch)


def activations():
    x = randn(2, 3, 5, scale=2)
    for name, op, params, f in [
        ("gelu_tanh", "gelu", {"approximate": "tanh"}, lambda x: F.gelu(x, approximate="tanh")),
        ("sigmoid", "sigmoid", {}, torch.sigmoid),
        ("tanh", "tanh", {}, torch.tanh),
        ("silu", "silu", {}, F.silu),
        ("elu", "elu", {"alpha": 0.7}, lambda x: F.elu(x, 0.7)),
        ("leaky_relu", "leaky_relu", {"negative_slope": 0.2}, lambda x: F.leaky_relu(x, 0.2)),
        ("identity", "identity", {}, lambda x: x * 1),
    ]:
        case(f"act_{name}", op, params, {"x": x}, lambda t: y(f(t["x"])))


def pools():
    for name, x, params in [
        ("3x3_s2_p1_7x6", randn(2, 2, 7, 6), dict(kernel=3, stride=2, padding=1)),
        ("3x3_s2_ceil_6x5", randn(1, 2, 6, 5), dict(kernel=3, stride=2, padding=1, ceil_mode=True)),
        ("2x2_s3_ceil_5x7", randn(1, 1, 5, 7), dict(kernel=2, stride=3, padding=0, ceil_mode=True)),
        ("3x3_s1_5x5", randn(1, 1, 5, 5), dict(kernel=3, stride=1, padding=0)),
    ]:
        window = dict(kernel_size=params["kernel"], stride=params["stride"], padding=params["padding"],
                      ceil_mode=params.get("ceil_mode", False))
        case(f"max_pool_{name}", "max_pool2d", params, {"x": x}, lambda t: y(F.max_pool2d(t["x"], **window)))
        for include in [True, False]:
            case(f"avg_pool_{name}_{'with' if include else 'without'}_pad", "avg_pool2d",
                 params | {"count_include_pad": include}, {"x": x},
                 lambda t: y(F.avg_pool2d(t["x"], **window, count_include_pad=include)))


def losses():
    labels = torch.tensor([3, 0, 2, 4], dtype=torch.int32)
    for name, reduction, smoothing, scale in [
        ("smoothing0.1", "mean", 0.1, 2), ("sum", "sum", 0.0, 2), ("large_logits", "mean", 0.0, 300),
    ]:
        case(f"softmax_cross_entropy_{name}_4x5", "softmax_cross_entropy",
             {"reduction": reduction, "label_smoothing": smoothing},
             {"logits": randn(4, 5, scale=scale), "labels": labels},
             lambda t: {
                 "y": F.cross_entropy(t["logits"], t["labels"].long(), reduction=reduction, label_smoothing=smoothing),
                 "probs": F.softmax(t["logits"], 1),
                 "log_probs": F.log_softmax(t["logits"], 1),
             })


def residuals():
    def option_a(x, out, stride, where):
        missing = out - x.shape[1]
        before = missing // 2 if where == "both" else 0
        return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, before, missing - before))

    case("add_2x3x2x2", "add", {}, {"a": randn(2, 3, 2, 2), "b": randn(2, 3, 2, 2)}, lambda t: y(t["a"] + t["b"]))
    case("shortcut_optionA_both_1x3x5x4_to_6", "shortcut_option_a",
         {"out_channels": 6, "stride": 2, "zero_channels": "both"},
         {"x": randn(1, 3, 5, 4)}, lambda t: y(option_a(t["x"], 6, 2, "both")))

    def norm(t, x, name):
        return F.batch_norm(x, None, None, t[f"{name}.weight"], t[f"{name}.bias"], training=True)

    for shortcut, stride, out in [("identity", 1, 2), ("none", 2, 4), ("end", 2, 4), ("both", 2, 4), ("B", 2, 4)]:
        inputs = {"x": randn(2, 2, 5, 4), "conv1.weight": randn(out, 2, 3, 3), "conv2.weight": randn(out, out, 3, 3)}
        if shortcut == "B":
            inputs["downsample.0.weight"] = randn(out, 2, 1, 1)
        for name in ["bn1", "bn2"] + (["downsample.1"] if shortcut == "B" else []):
            inputs |= {f"{name}.weight": randn(out, scale=0.3, shift=1), f"{name}.bias": randn(out)}

        def compute(t):
            h = F.relu(norm(t, F.conv2d(t["x"], t["conv1.weight"], None, stride, 1), "bn1"))
            h = norm(t, F.conv2d(h, t["conv2.weight"], None, 1, 1), "bn2")
            if shortcut == "identity":
                h = h + t["x"]
            elif shortcut == "B":
                h = h + norm(t, F.conv2d(t["x"], t["downsample.0.weight"], None, stride), "downsample.1")
            elif shortcut != "none":
                h = h + option_a(t["x"], out, stride, shortcut)
            return y(F.relu(h))

        case(f"basic_block_{shortcut}_s{stride}", "basic_block",
             {"stride": stride, "shortcut": shortcut, "training": True, "eps": 1e-5}, inputs, compute)


def optimizers():
    for name, op, cls, params, state in [
        ("sgd_momentum_wd", "sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9, weight_decay=0.01), ["momentum_buffer"]),
        ("sgd_plain", "sgd", torch.optim.SGD, dict(lr=0.5), []),
        ("adam", "adam", torch.optim.Adam, dict(lr=0.01, betas=[0.8, 0.99], eps=1e-8, weight_decay=0.05),
         ["exp_avg", "exp_avg_sq"]),
    ]:
        inputs = {"w_0": randn(2, 3)} | {f"grad_w_step{t}": randn(2, 3) for t in (1, 2, 3)}

        def compute(t):
            w = t["w_0"].detach().clone().requires_grad_()
            optimizer = cls([w], **params)
            outputs = {}
            for step in (1, 2, 3):
                w.grad = t[f"grad_w_step{step}"].detach().clone()
                optimizer.step()
                outputs[f"w_after_step{step}"] = w.detach().clone()
                for key in state:
                    outputs[f"w.{key}_after_step{step}"] = optimizer.state[w][key].clone()
            return outputs

        case(f"opt_{name}", op, params, inputs, compute, differentiable=False)


EXTRA.mkdir(exist_ok=True)
generator.manual_seed(20151210)
for make in [convolutions, norms, activations, pools, losses, residuals, optimizers]:
    make()
