"""Makes tests/fixtures/ in the formats of Python's world, with the libraries that write them there.

    pip install numpy pillow pyarrow
    python tests/oracle/data_fixtures.py

The pictures are those of cifar10-tiny.tar.gz and fashion-mnist-tiny/. The pickles are written as
Python 2 wrote the official archives: protocol 2, with `str` where Python 3 has `bytes`.
"""

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

FIXTURES = Path(__file__).parent.parent / "fixtures"
TRAIN, TEST = 20, 10


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2's str."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value):
        if len(value) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(value)]) + value)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = save_bytes


def python2_pickle(value):
    out = io.BytesIO()
    Python2Pickler(out, protocol=2).dump(value)
    assert_same(pickle.loads(out.getvalue(), encoding="bytes"), value)
    # NumPy 2 moved a module; archives name the old one.
    return out.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert np.array_equal(found[key], value), key


def tar_gz(path, members):
    with gzip.GzipFile(path, "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def cifar10():
    """Labels, pictures (N×3072) and names of classes of the tiny archive: training set, test set."""
    batches = {}
    with tarfile.open(FIXTURES / "cifar10-tiny.tar.gz") as tar:
        for member in tar:
            batches[Path(member.name).name] = tar.extractfile(member).read()
    names = batches.pop("batches.meta.txt").decode().split()
    parts = []
    for prefix in ("data_batch", "test_batch"):
        records = b"".join(data for name, data in sorted(batches.items()) if name.startswith(prefix))
        table = np.frombuffer(records, np.uint8).reshape(-1, 3073)
        parts.append((table[:, 0], table[:, 1:]))
    return parts[0], parts[1], names


def idx(name):
    data = gzip.decompress((FIXTURES / "fashion-mnist-tiny" / name).read_bytes())
    sizes = struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(sizes)


def encoded(picture, format="PNG", **options):
    out = io.BytesIO()
    Image.fromarray(picture).save(out, format, **options)
    return out.getvalue()


def from_cifar(row):
    return np.ascontiguousarray(row.reshape(3, 32, 32).transpose(1, 2, 0))


def parquet(path, image_column, pictures, labels, with_metadata=True, **options):
    """The layout of the hub: struct<bytes, path>, integer labels, the features in the footer."""
    images = [{"bytes": picture, "path": None} for picture in pictures]
    image_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = {image_column: pa.array(images, image_type)}
    features = {image_column: {"_type": "Image"}}
    for name, (values, classes) in labels.items():
        columns[name] = pa.array([int(value) for value in values], pa.int64())
        features[name] = {"names": classes, "_type": "ClassLabel"}
    table = pa.table(columns)
    if with_metadata:
        info = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": info})
    pq.write_table(table, path, **options)


def main():
    train, test, names = cifar10()
    byte_names = [name.encode() for name in names]

    def batch(labels, pictures, key=b"labels", **more):
        files = [b"picture_%d.png" % i for i in range(len(labels))]
        labels = [int(label) for label in labels]
        return {b"batch_label": b"a batch", key: labels, b"data": pictures, b"filenames": files, **more}

    halves = {1: slice(0, TRAIN // 2), 2: slice(TRAIN // 2, TRAIN)}
    folder = "cifar-10-batches-py/"
    tar_gz(
        FIXTURES / "cifar10-tiny-python.tar.gz",
        {folder + "batches.meta": python2_pickle({b"num_cases_per_batch": 20, b"label_names": byte_names})}
        | {
            f"{folder}data_batch_{i}": python2_pickle(batch(train[0][half], train[1][half]))
            for i, half in halves.items()
        }
        | {folder + "test_batch": python2_pickle(batch(test[0][:TEST], test[1][:TEST]))}
        | {folder + "readme.html": b"<html></html>"},
    )

    # CIFAR-100's layout, with CIFAR-10's pictures: fine labels 0, 7, 14 … and coarse ones 0, 3, 6 …
    def hundred(count):
        return np.arange(count, dtype=np.uint8) * 7 % 100, np.arange(count, dtype=np.uint8) * 3 % 20

    fine_names = [f"fine_{i}" for i in range(100)]
    coarse_names = [f"coarse_{i}" for i in range(20)]
    binary, python = {}, {}
    for part, (_, pictures), count in (("train", train, TRAIN), ("test", test, TEST)):
        fine, coarse = hundred(count)
        binary[f"cifar-100-binary/{part}.bin"] = np.concatenate(
            [coarse[:, None], fine[:, None], pictures[:count]], axis=1
        ).tobytes()
        python[f"cifar-100-python/{part}"] = python2_pickle(
            batch(fine, pictures[:count], b"fine_labels", **{"x": 0})
            | {b"coarse_labels": [int(label) for label in coarse]}
        )
    binary["cifar-100-binary/fine_label_names.txt"] = "\n".join(fine_names).encode()
    binary["cifar-100-binary/coarse_label_names.txt"] = "\n".join(coarse_names).encode()
    python["cifar-100-python/meta"] = python2_pickle(
        {
            b"fine_label_names": [name.encode() for name in fine_names],
            b"coarse_label_names": [name.encode() for name in coarse_names],
        }
    )
    python["cifar-100-python/file.txt~"] = b""
    tar_gz(FIXTURES / "cifar100-tiny-binary.tar.gz", binary)
    tar_gz(FIXTURES / "cifar100-tiny-python.tar.gz", python)

    # A pickle of today's Python and NumPy.
    newer = batch(test[0][:TEST], np.ascontiguousarray(test[1][:TEST]))
    (FIXTURES / "cifar10-tiny-protocol5.pickle").write_bytes(pickle.dumps(newer, protocol=5))

    arrays = {
        "x_train": idx("train-images-idx3-ubyte.gz")[:TRAIN],
        "y_train": idx("train-labels-idx1-ubyte.gz")[:TRAIN],
        "x_test": idx("t10k-images-idx3-ubyte.gz")[:TEST],
        "y_test": idx("t10k-labels-idx1-ubyte.gz")[:TEST].astype(np.int64),
    }
    np.savez_compressed(FIXTURES / "fashion-mnist-tiny.npz", **arrays)
    colour = np.stack([from_cifar(row) for row in test[1][:TEST]])
    np.savez(
        FIXTURES / "medmnist-tiny.npz", train_images=colour, train_labels=test[0][:TEST, None].astype(np.int32)
    )

    def cifar_pngs(part, count):
        return [encoded(from_cifar(row)) for row in part[1][:count]]

    hub = {"row_group_size": 8, "compression": "snappy"}
    for part, data, count in (("train", train, TRAIN), ("test", test, TEST)):
        name = f"{part}-00000-of-00001.parquet"
        parquet(
            FIXTURES / "hub" / "cifar10" / name,
            "img",
            cifar_pngs(data, count),
            {"label": (data[0][:count], names)},
            **hub,
        )
        fine, coarse = hundred(count)
        parquet(
            FIXTURES / "hub" / "cifar100" / name,
            "img",
            [encoded(from_cifar(row)[:8, :8]) for row in data[1][:count]],
            {"fine_label": (fine, fine_names), "coarse_label": (coarse, coarse_names)},
            **hub,
        )
        parquet(
            FIXTURES / "hub" / "fashion-mnist" / name,
            "image",
            [encoded(picture) for picture in arrays[f"x_{part}"]],
            {"label": (arrays[f"y_{part}"], [str(i) for i in range(10)])},
            **hub,
        )
    # The same rows as others write them.
    pngs = [encoded(picture) for picture in arrays["x_test"]]
    labels = {"label": (arrays["y_test"], [])}
    for name, options in {
        "zstd-v2": {"compression": "zstd", "data_page_version": "2.0"},
        "gzip-plain": {"compression": "gzip", "use_dictionary": False},
        "plain": {"compression": "none", "data_page_size": 500, "use_dictionary": False},
    }.items():
        parquet(FIXTURES / "hub" / f"{name}.parquet", "image", pngs, labels, with_metadata=False, **options)

    # A folder of one's own: colours by class, of many sizes and kinds.
    with zipfile.ZipFile(FIXTURES / "own-images.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        def put(name, data):
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data)

        for label, colour in {"red": (220, 40, 30), "blue": (30, 60, 220)}.items():
            for i in range(6):
                picture = np.zeros((20 + 3 * i, 30, 3), np.uint8)
                picture[:] = colour
                picture[: 4 + i] = 255 - 10 * i
                put(f"colours/{label}/{i}.png", encoded(picture))
            put(f"colours/{label}/7.jpg", encoded(picture, "JPEG", quality=95))
        clear = np.zeros((16, 16, 4), np.uint8)
        clear[4:12, 4:12] = (0, 128, 0, 255)
        put("colours/red/clear.png", encoded(clear))
        put("colours/blue/broken.png", b"\x89PNG and no more")
        put("__MACOSX/colours/red/._0.png", b"resource fork")
        put("colours/notes.txt", b"not an image")


if __name__ == "__main__":
    for folder in ("cifar10", "cifar100", "fashion-mnist"):
        (FIXTURES / "hub" / folder).mkdir(parents=True, exist_ok=True)
    main()
