"""Files that want more than tensors, or lie about them: each with the code that refuses it and what its message has to name.

    python3 test/vectors/pytorch-files/hostile.py

Writes hostile.json: a list of `{ name, code, mentions, file }`, the file in base64. The pickles are written, here and by PyTorch;
none is ever loaded. Those that are large, and zip archives that are wrong as such, are made by the tests themselves.
"""

import base64
import builtins
import collections
import copyreg
import functools
import io
import json
import operator
import os
import pickle
import runpy
import struct
import subprocess
import zipfile
from pathlib import Path

import torch

cases = []


def archive(data, entries=()):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in [("data.pkl", data), *entries, ("byteorder", b"little"), ("version", b"3\n")]:
            target.writestr(zipfile.ZipInfo(f"archive/{name}"), content)
    return buffer.getvalue()


def case(name, file, code, *mentions):
    cases.append({"name": name, "code": code, "mentions": list(mentions), "file": base64.b64encode(file).decode()})


def hostile(name, data, code, *mentions):
    """A pickle in a zip archive that has one storage, `data/0`, of four f32."""
    case(name, archive(data, [("data/0", struct.pack("<4f", 1, 2, 3, 4))]), code, *mentions)


class Calls:
    """Pickled as a call of `function`."""

    def __init__(self, function, *args):
        self.reduced = (function, args)

    def __reduce__(self):
        return self.reduced


# Opcodes by hand, for what Python's own pickler would not write.
def text(value):
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def glob(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def stack_global(module, name):
    return text(module) + text(name) + b"\x93"


def integer(value):
    return b"J" + struct.pack("<i", value) if -(2**31) <= value < 2**31 else b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def tuple_of(*parts):
    return b"(" + b"".join(parts) + b"t"


def whole(*parts, protocol=2):
    return b"\x80" + bytes([protocol]) + b"".join(parts) + b"."


def storage(kind="FloatStorage", key="0", location="cpu", numbers=4):
    return tuple_of(text("storage"), glob("torch", kind), text(key), text(location), integer(numbers)) + b"Q"


ORDERED = glob("collections", "OrderedDict") + b")R"


def tensor(where=None, offset=0, size=(4,), stride=(1,), metadata=b""):
    sizes = tuple_of(*map(integer, size))
    strides = tuple_of(*map(integer, stride))
    args = tuple_of(where or storage(), integer(offset), sizes, strides, b"\x89", ORDERED, metadata)
    return glob("torch._utils", "_rebuild_tensor_v2") + args + b"R"


def dictionary(*parts):
    return b"}" + b"(" + b"".join(parts) + b"u"


def calls():
    """Calls of what is not listed, as Python's pickler writes them, of every protocol that can hold a tensor."""
    functions = [
        (os.system, ("true",), "posix.system"),
        (builtins.eval, ("1",), "eval"),
        (builtins.exec, ("1",), "exec"),
        (builtins.__import__, ("os",), "__import__"),
        (builtins.getattr, (collections.OrderedDict, "__init__"), "getattr"),
        (builtins.open, ("x", "w"), "open"),
        (subprocess.Popen, (["true"],), "Popen"),
        (runpy.run_path, ("x",), "runpy.run_path"),
        (functools.partial, (len,), "functools.partial"),
        (operator.attrgetter, ("a",), "operator.attrgetter"),
        (copyreg._reconstructor, (object, object, None), "_reconstructor"),
        (pickle.loads, (b"",), "loads"),
        (torch.load, ("x",), "torch.serialization.load"),
        (torch.storage._load_from_bytes, (b"",), "torch.storage._load_from_bytes"),
        (torch.hub.load, ("x", "y"), "torch.hub.load"),
        (torch._utils._import_dotted_name, ("os.system",), "torch._utils._import_dotted_name"),
    ]
    for function, args, mention in functions:
        for protocol in [1, 2, 4]:
            hostile(f"{mention} in protocol {protocol}", pickle.dumps({"a": Calls(function, *args)}, protocol), "unsafe_file", mention)
    inside = Calls(builtins.getattr, Calls(builtins.__import__, "os"), "system")
    hostile("calls in the arguments of calls", pickle.dumps([inside], 2), "unsafe_file", "__builtin__.getattr")
    buffer = io.BytesIO()
    torch.save({"model": Calls(os.system, "true")}, buffer)
    case("os.system written by torch.save", buffer.getvalue(), "unsafe_file", "posix.system")
    buffer = io.BytesIO()
    torch.save({"model": Calls(os.system, "true")}, buffer, _use_new_zipfile_serialization=False)
    case("os.system in the legacy format", buffer.getvalue(), "unsafe_file", "posix.system")


def names():
    """Names that reach further than a list of names thinks."""
    for label, ask in [("GLOBAL", glob), ("STACK_GLOBAL", stack_global)]:
        hostile(f"a dotted name behind a listed module by {label}", whole(ask("torch._utils", "os.system")), "unsafe_file", "torch._utils.os.system")
        hostile(f"a dotted name that ends in a listed one by {label}", whole(ask("torch", "_utils._rebuild_tensor_v2")), "unsafe_file", "asks for torch._utils._rebuild_tensor_v2")
        hostile(f"a listed module's private part by {label}", whole(ask("collections", "_sys.modules")), "unsafe_file", "collections._sys.modules")
        hostile(f"a prototype's name by {label}", whole(ask("constructor", "constructor")), "unsafe_file", "constructor.constructor")
        hostile(f"__proto__ by {label}", whole(ask("__proto__", "toString")), "unsafe_file", "__proto__.toString")
        hostile(f"a prototype's name in a listed module by {label}", whole(ask("torch", "hasOwnProperty")), "unsafe_file", "torch.hasOwnProperty")
        hostile(f"an empty name by {label}", whole(ask("", "")), "unsafe_file", "asks for .,")
    hostile("a newline in a name", whole(stack_global("torch\nos", "system\n")), "unsafe_file", "torch\\nos.system\\n")
    hostile("an escape sequence in a name", whole(stack_global("\x1b[2Jos", "system")), "unsafe_file", "\\u001b[2Jos.system")
    hostile("a name as long as the file", whole(stack_global("o" * 3000, "system")), "unsafe_file", "ooo…")
    hostile("a name that is a number", whole(b"K\x01K\x02\x93"), "invalid_file", "no string")
    hostile("Latin-1 in GLOBAL", whole(b"c\xff\xfe\nx\n"), "invalid_file", "no string")


def opcodes():
    """Objects of classes, and what comes from elsewhere."""
    hostile("INST", whole(b"(" + text("true") + b"ios\nsystem\n"), "unsafe_file", "os.system")
    hostile("OBJ", whole(b"(" + glob("collections", "OrderedDict") + b"o"), "unsafe_file", "OBJ")
    hostile("OBJ of an unlisted class", whole(b"(" + glob("subprocess", "Popen") + b"o"), "unsafe_file", "subprocess.Popen")
    hostile("NEWOBJ of a listed class", whole(glob("collections", "OrderedDict") + b")\x81"), "unsafe_file", "NEWOBJ")
    hostile("NEWOBJ_EX of a listed class", whole(glob("collections", "OrderedDict") + b")}\x92"), "unsafe_file", "NEWOBJ_EX")
    hostile("EXT1", whole(b"\x82\x01"), "unsafe_file", "EXT1")
    hostile("EXT2", whole(b"\x83\x01\x00"), "unsafe_file", "EXT2")
    hostile("EXT4", whole(b"\x84\x01\x00\x00\x00"), "unsafe_file", "EXT4")
    hostile("PERSID", whole(b"Pdata/0\n"), "unsafe_file", "PERSID")
    hostile("NEXT_BUFFER", whole(b"\x97", protocol=5), "unsafe_file", "NEXT_BUFFER")
    hostile("READONLY_BUFFER", whole(b"]\x98", protocol=5), "unsafe_file", "READONLY_BUFFER")
    state = dictionary(text("__setstate__"), glob("collections", "OrderedDict"))
    hostile("BUILD of a list", whole(b"]" + state + b"b"), "unsafe_file", "state of a list")
    hostile("BUILD of a tensor", whole(tensor() + state + b"b"), "unsafe_file", "state of a tensor")
    hostile("BUILD of a function", whole(glob("torch._utils", "_rebuild_tensor_v2") + state + b"b"), "unsafe_file", "torch._utils._rebuild_tensor_v2")
    hostile("BUILD of a string", whole(text("x") + state + b"b"), "unsafe_file", "state of a string")
    hostile("BUILD of a dictionary with a tuple", whole(ORDERED + b"N}\x86b"), "unsafe_file", "state of a dictionary")
    hostile("REDUCE of a storage's type", whole(glob("torch", "FloatStorage") + tuple_of(integer(4)) + b"R"), "unsafe_file", "torch.FloatStorage")
    hostile("REDUCE of a string", whole(text("os.system") + tuple_of(text("true")) + b"R"), "unsafe_file", "a string")
    hostile("REDUCE of a tensor", whole(tensor() + b")R"), "unsafe_file", "a tensor")
    hostile("REDUCE of what a call made", whole(ORDERED + b")R"), "unsafe_file", "a dictionary")
    hostile("REDUCE with a list", whole(glob("collections", "OrderedDict") + b"]R"), "invalid_file", "a list")
    hostile("a defaultdict of what is not listed", whole(glob("collections", "defaultdict") + glob("builtins", "eval") + b"\x85R"), "unsafe_file", "builtins.eval")
    hostile("a function as a value", whole(dictionary(text("f"), glob("torch._utils", "_rebuild_tensor_v2"))), "unsafe_file", "torch._utils._rebuild_tensor_v2")
    hostile("a function as a key's part", whole(dictionary(glob("torch", "Size") + b"\x85", integer(1))), "unsafe_file", "torch.Size")
    hostile("a function as the whole", whole(glob("torch", "device")), "unsafe_file", "torch.device")


def persistent():
    """Persistent ids of other forms than PyTorch's."""
    kind = glob("torch", "FloatStorage")
    good = [text("storage"), kind, text("0"), text("cpu"), integer(4)]
    ids = {
        "a string": text("0"),
        "a number": integer(0),
        "a list": b"](" + b"".join(good) + b"e",
        "a module": tuple_of(text("module"), kind, text("x"), text("y")),
        "four parts": tuple_of(*good[:4]),
        "six parts in a zip archive": tuple_of(*good, b"N"),
        "a type that is a string": tuple_of(good[0], text("FloatStorage"), *good[2:]),
        "a type that is a function": tuple_of(good[0], glob("torch._utils", "_rebuild_tensor_v2"), *good[2:]),
        "a key that is a number": tuple_of(*good[:2], integer(0), *good[3:]),
        "a negative length": tuple_of(*good[:4], integer(-4)),
        "a length that is no whole number": tuple_of(*good[:4], b"G" + struct.pack(">d", 1.5)),
    }
    for name, persistent_id in ids.items():
        hostile(f"a persistent id: {name}", whole(persistent_id + b"Q"), "unsafe_file", "refers to something outside it")
    hostile("a storage's type that is not listed", whole(storage(kind="ComplexFloatStorage")), "unsafe_file", "torch.ComplexFloatStorage")
    hostile("a storage by a path", whole(tensor(storage(key="../../../etc/passwd"))), "invalid_file", "archive/data/../../../etc/passwd")
    hostile("a storage that is not there", whole(tensor(storage(key="1"))), "invalid_file", "archive/data/1")
    hostile("a storage beyond its entry", whole(tensor(storage(numbers=5))), "invalid_file", "archive/data/0")
    hostile("a storage of 2⁶⁰ numbers", whole(tensor(storage(numbers=2**60))), "unsafe_file", "refers to something outside it")
    hostile("a storage of 2⁵⁰ numbers", whole(tensor(storage(numbers=2**50))), "invalid_file", "longer than its entry of 16 bytes")
    hostile("a wider type than the entry has bytes", whole(tensor(storage(kind="DoubleStorage"))), "invalid_file", "longer than its entry of 16 bytes")
    hostile("a storage by itself", whole(dictionary(text("a"), storage())), "invalid_file", "a storage by itself")


def tensors():
    """Tensors that do not lie in their storage."""
    far = {
        "one beyond the end": dict(offset=1),
        "an offset beyond the end": dict(offset=2**40, size=(1,)),
        "a stride beyond the end": dict(size=(2,), stride=(4,)),
        "strides whose product overflows": dict(size=(2, 2), stride=(2**53 - 1, 2**53 - 1)),
    }
    for name, layout in far.items():
        hostile(f"a tensor: {name}", whole(tensor(**layout)), "invalid_file", "reaches beyond its storage of 4 numbers")
    wide = {
        "2⁴⁰ times one number": dict(size=(2**40,), stride=(0,)),
        "2³² by 2³² times one number": dict(size=(2**32, 2**32), stride=(0, 0)),
        "64 sizes of 2⁵²": dict(size=(2**52,) * 64, stride=(0,) * 64),
    }
    for name, layout in wide.items():
        hostile(f"a tensor: {name}", whole(tensor(**layout)), "invalid_file", "more numbers than the file has bytes")
    wrong = {
        "a negative size": dict(size=(-1,)),
        "a negative stride": dict(stride=(-1,)),
        "a negative offset": dict(offset=-1),
        "fewer strides than sizes": dict(size=(2, 2)),
        "65 sizes": dict(size=(1,) * 65, stride=(1,) * 65),
        "a size beyond 2⁵³": dict(size=(2**60,), stride=(0,)),
        "numbers that are negated when they are looked at": dict(metadata=dictionary(text("neg"), b"\x88")),
    }
    for name, layout in wrong.items():
        hostile(f"a tensor: {name}", whole(tensor(**layout)), "invalid_file", "torch._utils._rebuild_tensor_v2 is called with what it does not take")
    v3 = glob("torch._utils", "_rebuild_tensor_v3")
    args = tuple_of(storage(), integer(0), b"(K\x04t", b"(K\x01t", b"\x89", ORDERED, text("constructor"))
    hostile("a tensor: a dtype that is none", whole(v3 + args + b"R"), "invalid_file", "torch._utils._rebuild_tensor_v3")
    hostile("a parameter of a string", whole(glob("torch._utils", "_rebuild_parameter") + tuple_of(text("x"), b"\x89", ORDERED) + b"R"), "invalid_file", "_rebuild_parameter")
    hostile("a tensor of a string", whole(glob("torch._utils", "_rebuild_tensor_v2") + tuple_of(text("x"), b"K\x00))\x89N") + b"R"), "invalid_file", "_rebuild_tensor_v2")


def data():
    """Listed names with what they do not take."""
    numpy_type = glob("numpy", "dtype") + tuple_of(text("O8"), b"\x89\x88") + b"R"
    hostile("a NumPy array of objects", whole(numpy_type), "invalid_file", "numpy.dtype")
    hostile("a NumPy dtype called constructor", whole(glob("numpy", "dtype") + tuple_of(text("constructor"), b"\x89\x88") + b"R"), "invalid_file", "numpy.dtype")
    hostile("a NumPy array", whole(glob("numpy.core.multiarray", "_reconstruct")), "unsafe_file", "numpy.core.multiarray._reconstruct")
    hostile("a codec", whole(glob("_codecs", "encode") + tuple_of(text("x"), text("zip")) + b"R"), "invalid_file", "_codecs.encode")
    hostile("Latin-1 beyond its letters", whole(glob("_codecs", "encode") + tuple_of(text("\u0100"), text("latin1")) + b"R"), "invalid_file", "_codecs.encode")
    hostile("decoding", whole(glob("_codecs", "decode")), "unsafe_file", "_codecs.decode")
    hostile("a dictionary of no pairs", whole(glob("collections", "OrderedDict") + b"](K\x01K\x02e\x85R"), "invalid_file", "collections.OrderedDict")
    hostile("appending to a tuple", whole(b"K\x01\x85K\x02a"), "invalid_file", "a tuple")
    hostile("appending to a dictionary", whole(b"}K\x02a"), "invalid_file", "a dictionary")
    hostile("entries of a list", whole(b"]K\x01K\x02s"), "invalid_file", "a list")
    hostile("a key without a value", whole(b"}(K\x01u"), "invalid_file", "a key without a value")
    hostile("a list as a key", whole(b"}]K\x02s"), "invalid_file", "a list is a dictionary's key")
    hostile("a list that holds itself", whole(b"]q\x00h\x00a"), "invalid_file", "holds itself")
    hostile("a dictionary that holds itself", whole(b"}q\x00" + text("a") + b"h\x00s"), "invalid_file", "holds itself")
    hostile("a tuple that holds itself", whole(b"]q\x00h\x00\x85q\x01a0h\x01"), "invalid_file", "holds itself")
    hostile("nothing noted", whole(b"h\x05"), "invalid_file", "number 5")
    hostile("two values", whole(b"K\x01K\x02"), "invalid_file", "other than one value")
    hostile("no value", whole(), "invalid_file", "other than one value")
    hostile("an open mark", whole(b"(K\x01"), "invalid_file", "other than one value")
    hostile("a value from below a mark", whole(b"]K\x01(a"), "invalid_file", "takes a value where there is none")
    hostile("a mark that is not there", whole(b"t"), "invalid_file", "a mark that is not there")
    hostile("a newer protocol", whole(b"N", protocol=6), "invalid_file", "protocol 6")
    hostile("no opcode", whole(b"\xff"), "invalid_file", "0xff")
    hostile("an opcode of text", whole(b"I1\n"), "invalid_file", "0x49")
    hostile("a string that is not UTF-8", whole(b"X\x02\x00\x00\x00\xff\xff"), "invalid_file", "not UTF-8")
    hostile("a pickle after the pickle", whole(b"N") + whole(glob("os", "system")), "invalid_file", "after the end of its pickle")
    hostile("no pickle", b"", "invalid_file", "ends in the middle")


def modules():
    """Whole modules, which need their classes."""
    buffer = io.BytesIO()
    torch.save(torch.nn.Linear(2, 1), buffer)
    case("torch.save(model)", buffer.getvalue(), "unsafe_file", "torch.nn.modules.linear.Linear", "model.state_dict()")
    buffer = io.BytesIO()
    torch.save({"model": torch.nn.LSTM(2, 1)}, buffer)
    case("a module in a checkpoint", buffer.getvalue(), "unsafe_file", "torch.nn.modules.rnn.LSTM", "model.state_dict()")
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), buffer)
    case("TorchScript", buffer.getvalue(), "invalid_file", "TorchScript")


def legacy():
    """The same in each of the five pickles of the legacy format."""
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    version = pickle.dumps(1001, 2)
    machine = pickle.dumps({"little_endian": True}, 2)
    bad = pickle.dumps(Calls(os.system, "true"), 2)
    kind = glob("torch", "FloatStorage")

    def view(last):
        return tuple_of(text("storage"), kind, text("0"), text("cpu"), integer(4), last) + b"Q"

    def file(value, keys=whole(b"](" + text("0") + b"e"), tail=struct.pack("<q4f", 4, 1, 2, 3, 4)):
        return magic + version + machine + value + keys + tail

    case("legacy: for the magic number", bad, "unsafe_file", "posix.system")
    case("legacy: for the version", magic + bad, "unsafe_file", "posix.system")
    case("legacy: for the machine", magic + version + bad, "unsafe_file", "posix.system")
    case("legacy: for the value", file(bad), "unsafe_file", "posix.system")
    case("legacy: for the keys", magic + version + machine + whole(b"N") + bad, "unsafe_file", "posix.system")
    case("legacy: another magic number", pickle.dumps(1, 2), "invalid_file", "neither the zip archive nor the older format")
    case("legacy: another version", magic + pickle.dumps(1002, 2), "invalid_file", "1002")
    case("legacy: a storage of another length", file(whole(tensor(view(b"N"))), tail=struct.pack("<q4f", 3, 1, 2, 3, 4)), "invalid_file", "3 numbers where the pickle says 4")
    case("legacy: a storage cut off", file(whole(tensor(view(b"N"))), tail=struct.pack("<q3f", 4, 1, 2, 3)), "invalid_file", "cut off")
    case("legacy: a storage that is not listed", file(whole(tensor(view(b"N"))), keys=whole(b"]")), "invalid_file", "not in the file")
    case("legacy: a storage listed twice", file(whole(tensor(view(b"N"))), keys=whole(b"](" + text("0") * 2 + b"e")), "invalid_file", "keys of its storages")
    case("legacy: a key that no tensor has", file(whole(b"N")), "invalid_file", "keys of its storages")
    case("legacy: keys that are no list", file(whole(tensor(view(b"N"))), keys=whole(b"N")), "invalid_file", "no list")
    case("legacy: a view beyond its storage", file(whole(tensor(view(tuple_of(text("v"), integer(3), integer(2)))))), "unsafe_file", "refers to something outside it")
    case("legacy: a tensor beyond its view", file(whole(tensor(view(tuple_of(text("v"), integer(2), integer(2)))))), "invalid_file", "beyond its storage of 2 numbers")
    case("legacy: five parts", file(whole(tensor(storage()))), "unsafe_file", "refers to something outside it")


for group in [calls, names, opcodes, persistent, tensors, data, modules, legacy]:
    group()
labels = [entry["name"] for entry in cases]
assert len(labels) == len(set(labels)), "two cases of the same name"
(Path(__file__).parent / "hostile.json").write_text("[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in cases) + "\n]\n")
print(len(cases), "cases")
