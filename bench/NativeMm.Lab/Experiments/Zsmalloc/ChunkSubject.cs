using NativeMm.Frames;
using NativeMm.Lab.Baselines;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>
/// Numbered contents in a <see cref="ChunkPagePool"/>. What is too large for a shared page gets a frame of its own, as a page that hardly
/// becomes smaller stays where it is.
/// </summary>
internal sealed unsafe class ChunkSubject : IDensitySubject
{
    private readonly ChunkPagePool _pool;
    private readonly IFrameAllocator _frames;
    private readonly ChunkHandle[] _shared;
    private readonly Pfn[] _whole;
    private int _wholePages;

    /// <summary>Makes an empty store with two or three objects a page.</summary>
    public ChunkSubject(IFrameAllocator frames, int objectsPerPage, int objects)
    {
        _pool = new ChunkPagePool(frames, objectsPerPage);
        _frames = frames;
        _shared = new ChunkHandle[objects];
        _whole = new Pfn[objects];
        Array.Fill(_shared, default);
        Array.Fill(_whole, Pfn.None);
    }

    /// <inheritdoc/>
    public long? HeldBytes => (long)(_pool.Pages + _wholePages) * Pfn.FrameBytes;

    /// <inheritdoc/>
    public void Put(int number, ReadOnlySpan<byte> content)
    {
        if (content.Length <= ChunkPagePool.BytesMax)
        {
            Ensure(_pool.TryAlloc(content.Length, out _shared[number]));
            content.CopyTo(_pool.Content(_shared[number]));
            return;
        }

        Ensure(_frames.TryAllocate(Order.Zero, FrameFlags.None, out _whole[number], out _));
        content.CopyTo(Whole(number));
        _wholePages++;
    }

    /// <summary>A stored content; longer ones come with the rest of their page.</summary>
    public ReadOnlySpan<byte> Get(int number) => _whole[number] == Pfn.None ? _pool.Content(_shared[number]) : Whole(number);

    /// <inheritdoc/>
    public void Remove(int number)
    {
        if (_whole[number] == Pfn.None)
        {
            _pool.Free(_shared[number]);
            return;
        }

        _frames.Free(_whole[number], Order.Zero);
        _whole[number] = Pfn.None;
        _wholePages--;
    }

    /// <summary>Nothing moves from page to page, so there is nothing to give back.</summary>
    public void GiveBack()
    {
    }

    /// <inheritdoc/>
    public void Describe(Measurement measurement, double storedBytes)
    {
    }

    /// <inheritdoc/>
    public void Dispose() => _pool.Dispose();

    private static void Ensure(bool found)
    {
        if (!found)
        {
            throw new InsufficientMemoryException("The zone ran out of frames.");
        }
    }

    private Span<byte> Whole(int number) => new(_frames.Zone.AddressOf(_whole[number]), Pfn.FrameBytes);
}
