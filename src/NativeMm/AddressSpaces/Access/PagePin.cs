using System.Buffers;

namespace NativeMm.AddressSpaces;

/// <summary>
/// Pages of an <see cref="AddressSpace"/> that stay in memory, where they are, until the pin is disposed; by any thread, across <c>await</c>. Pages that are pinned count
/// against <see cref="AddressSpaceOptions.PinnedPagesMax"/>. They stay readable when they are unmapped meanwhile, or the space is disposed. Spans and
/// sequences must not be used once the pin is disposed.
/// </summary>
public sealed unsafe class PagePin : IDisposable
{
    private readonly AddressSpace _space;
    private readonly PinnedRun[] _runs;
    private readonly object? _watched;
    private PinnedFrames? _frames;

    internal PagePin(AddressSpace space, PinnedFrames frames, PinnedRun[] runs, PageAccess access, long length, object? watched)
    {
        _watched = watched;
        _space = space;
        _frames = frames;
        _runs = runs;
        Access = access;
        Length = length;
    }

    /// <summary>What the bytes may be used for.</summary>
    public PageAccess Access { get; }

    /// <summary>Length in bytes.</summary>
    public long Length { get; }

    /// <summary>Pieces that each lie together in memory.</summary>
    public int RunCount => _runs.Length;

    /// <summary>A piece, to read.</summary>
    /// <param name="index">0 to <see cref="RunCount"/> − 1.</param>
    /// <returns>The bytes, valid until the pin is disposed.</returns>
    /// <exception cref="ObjectDisposedException">The pin is disposed.</exception>
    public ReadOnlySpan<byte> GetReadOnlySpan(int index) => Run(index);

    /// <summary>A piece, to write.</summary>
    /// <param name="index">0 to <see cref="RunCount"/> − 1.</param>
    /// <returns>The bytes, valid until the pin is disposed.</returns>
    /// <exception cref="InvalidOperationException">The pages were pinned for reading.</exception>
    /// <exception cref="ObjectDisposedException">The pin is disposed.</exception>
    public Span<byte> GetSpan(int index) =>
        Access == PageAccess.Write ? Run(index) : throw new InvalidOperationException("The pages were pinned for reading; pin them for writing to write.");

    /// <summary>All pieces, to read.</summary>
    /// <returns>The bytes in the order of their addresses, valid until the pin is disposed.</returns>
    /// <exception cref="ObjectDisposedException">The pin is disposed.</exception>
    public ReadOnlySequence<byte> GetSequence()
    {
        ObjectDisposedException.ThrowIf(_frames is null, this);
        return PinnedSegment.Chain(_runs);
    }

    /// <summary>Lets the pages go. Nothing happens the second time.</summary>
    public void Dispose()
    {
        if (Primitives.Atomic.Exchange(ref _frames, null) is { } frames)
        {
            _space.Unpin(frames);
            _space.EndWatch(_watched);
        }
    }

    private Span<byte> Run(int index)
    {
        ObjectDisposedException.ThrowIf(_frames is null, this);
        PinnedRun run = _runs[index];
        return new Span<byte>((void*)run.Address, run.Length);
    }
}
