"""The one worker, whatever the engine: pull chunks, decode, cut, batch, recognise, keep, acknowledge."""
