# SPDX-License-Identifier: MIT
"""PySceneDetect by itself: `psd_once.py content|adaptive FILE` prints its cuts and its seconds, of
the detection alone: start of Python and its imports are not counted."""
import json
import sys
import time

from scenedetect import AdaptiveDetector, ContentDetector, detect

detector = {"content": ContentDetector, "adaptive": AdaptiveDetector}[sys.argv[1]]()
began = time.perf_counter()
scenes = detect(sys.argv[2], detector)
seconds = time.perf_counter() - began
print(json.dumps({"cuts": [s[0].frame_num for s in scenes[1:]], "seconds": seconds}))
