"""Ours against others: NeMo's own ways and onnx-asr.

Read job.py first, then contenders.py: what each is asked, and how each does it. contest.py lets them take turns, and
nemo_script.py is NeMo's script for long audio.

speed       with the demo weights, or any others
real_size   with random_weights of the real size, on a GPU; processors: on a processor
"""
