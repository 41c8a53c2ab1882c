"""Checks the ONNX files of a folder: /usr/bin/python3 check.py FOLDER"""

import pathlib
import sys

import onnx

files = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
if not files:
    sys.exit("there are no files to check")
for file in files:
    onnx.checker.check_model(str(file), full_check=True)
print(f"{len(files)} files are valid for ONNX {onnx.__version__}")
