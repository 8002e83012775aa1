namespace NativeMm.Teardown;

/// <summary>What becomes of gathered frames. A frame may be freed when whoever could still use it has been made to see that it is gone: first flush, then free.</summary>
internal interface IFrameRelease
{
    /// <summary>Makes sure that nobody uses what was gathered until here. Allocates no managed memory.</summary>
    void Flush();

    /// <summary>
    /// Lets frames go, of which everything was flushed. Frames that others refer to are only let go of. Any thread, several at a time. Allocates no managed memory.
    /// </summary>
    /// <param name="frames">Addresses of frames.</param>
    void Free(ReadOnlySpan<ulong> frames);
}
