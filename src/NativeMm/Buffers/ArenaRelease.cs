using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.Buffers;

/// <summary>The chunks of an arena that has ended, as work in steps: a place for each.</summary>
/// <param name="arena">The arena, which the work keeps from being finalized.</param>
/// <param name="workers">Who does it.</param>
/// <param name="heap">Whose blocks they are.</param>
internal sealed class ArenaRelease(Arena arena, TeardownWorkers workers, NativeHeap heap) : PlacesJob(workers)
{
    private int _chunks;

    /// <summary>Gets ready. Nobody uses the arena any more.</summary>
    /// <param name="chunks">How many chunks there are.</param>
    /// <param name="bytes">Bytes in them.</param>
    public void Begin(int chunks, ulong bytes)
    {
        _chunks = chunks;
        heap.NoteReleasingBlocks((long)bytes);
        Begin(Row((uint)chunks), (long)bytes);
    }

    /// <inheritdoc/>
    protected override ulong UnitsOf(uint place) => place < _chunks ? 1u : 0;

    /// <inheritdoc/>
    protected override ulong BiteEnd(uint place, ulong unit, ulong end) => end;

    /// <inheritdoc/>
    protected override ulong CutOf(uint place, ulong unit, ulong end) => end;

    /// <inheritdoc/>
    protected override StepDone Release(uint place, ulong unit, ulong end)
    {
        nuint bytes = arena.ChunkBytes((int)place);
        try
        {
            arena.FreeChunk((int)place);
        }
        finally
        {
            heap.NoteReleasingBlocks(-(long)bytes);
        }

        return new StepDone((long)(bytes >> Pfn.FrameShift), (long)bytes);
    }

    /// <inheritdoc/>
    protected override void Finish(bool isDone)
    {
        if (isDone)
        {
            arena.NoteReleased();
        }
    }
}
