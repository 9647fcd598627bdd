"""NeMo's way with long audio: what its example `speech_to_text_streaming_infer_rnnt.py` does.

The example is no part of NeMo's package, but all that it consists of is: its audio buffer with left context, chunk
and right context, its label-looping decoder whose state goes from chunk to chunk, and its data set. The loop is
rebuilt here from those, with the settings that the example recommends for long files (10 s, 10 s, 5 s).
"""

from __future__ import annotations

BATCH = 32
"""Files at one time, as in the example."""


class LongAudio:
    """Recognises long files in chunks, several files side by side.

    Args:
        model: NeMo's, on its device.
        left: seconds of context before a chunk.
        chunk: seconds of a chunk.
        right: seconds of context after it.
    """

    def __init__(self, model, left: float, chunk: float, right: float) -> None:
        from nemo.collections.asr.parts.utils.streaming_utils import ContextSize
        from omegaconf import OmegaConf

        self._model = model
        model.preprocessor.featurizer.dither = 0.0
        model.preprocessor.featurizer.pad_to = 0
        decoding = OmegaConf.create(OmegaConf.to_container(model.cfg.decoding))
        decoding.strategy = "greedy_batch"
        decoding.greedy.loop_labels = True
        decoding.fused_batch_size = -1
        model.change_decoding_strategy(decoding, verbose=False)
        self._decode = model.decoding.decoding.decoding_computer
        factor = model.encoder.subsampling_factor
        hop = int(model.cfg.sample_rate * model.cfg.preprocessor.window_stride) // factor * factor
        self._frame = hop * factor
        """Samples of an encoder frame."""
        frames = (int(one / model.cfg.preprocessor.window_stride / factor) for one in (left, chunk, right))
        self._context = ContextSize(*(one * self._frame for one in frames))

    def __call__(self, paths: list[str]) -> list[str]:
        """The text of each file."""
        import torch
        from nemo.collections.asr.parts.utils.streaming_utils import AudioBatch, SimpleAudioDataset
        from torch.utils.data import DataLoader

        texts = []
        files = SimpleAudioDataset(paths, sample_rate=self._model.cfg.sample_rate)
        with torch.inference_mode():
            for batch in DataLoader(files, batch_size=BATCH, collate_fn=AudioBatch.collate_fn):
                device = self._model.device
                heard = self._recognise(batch.audio_signals.to(device), batch.audio_signal_lengths.to(device))
                texts += [self._model.tokenizer.ids_to_text(one.y_sequence.tolist()) for one in heard]
        return texts

    def _recognise(self, sound, lengths):
        """Hypotheses of a batch of files: `(files, samples)`, and how many samples are real."""
        import torch
        from nemo.collections.asr.parts.utils.rnnt_utils import batched_hyps_to_hypotheses
        from nemo.collections.asr.parts.utils.streaming_utils import StreamingBatchedAudioBuffer

        context, total = self._context, sound.shape[1]
        buffer = StreamingBatchedAudioBuffer(len(sound), context, sound.dtype, sound.device)
        heard = state = None
        left = lengths
        start, end = 0, min(context.chunk + context.right, total)
        while start < total:
            ended = left <= end - start
            added = torch.where(ended, left, end - start)
            buffer.add_audio_batch_(
                sound[:, start:end],
                audio_lengths=added,
                is_last_chunk=end >= total,
                is_last_chunk_batch=ended,
            )
            encoded, _ = self._model(
                input_signal=buffer.samples, input_signal_length=buffer.context_size_batch.total()
            )
            skipped = buffer.context_size.subsample(self._frame).left
            counts = buffer.context_size_batch.subsample(self._frame).chunk
            found, state = self._decode(
                x=encoded.transpose(1, 2)[:, skipped:], out_len=counts, prev_batched_state=state
            )
            heard = found if heard is None else heard.merge_(found)
            left = left - added
            start, end = end, min(end + context.chunk, total)
        return batched_hyps_to_hypotheses(heard, batch_size=len(sound))
