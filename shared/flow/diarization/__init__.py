"""Step 6, for speakers: the voices of all chunks become people, and each word has a speaker. Pure, with numpy.

- `turns.py`: from the voices of all chunks to turns of people
- `people.py`: how many people there are
- `linkage.py`: which voices are most similar
- `word_speakers.py`: who speaks each word
- `by_channel.py`: the same where each channel of a recording is one speaker

Workers diarize chunks and know nothing of each other (`shared.results.Voice`); here the voices of the whole recording
are clustered, once. The result is the same whichever worker had which chunk, in whatever order results came.
`shared/flow/speakers.py` calls it.
"""

from __future__ import annotations

from shared.flow.diarization.by_channel import Channels
from shared.flow.diarization.turns import Turn, cluster_voices
from shared.flow.diarization.word_speakers import speakers_of

__all__ = ["Channels", "Turn", "cluster_voices", "speakers_of"]
