using NativeMm.Frames;
using NativeMm.Lab.Baselines;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>
/// Numbered contents in a <see cref="ChunkPagePool"/>. What is too large for a shared page gets a frame of its own, as a page that hardly
/// becomes smaller stays where it is.
/// </summary>
internal sealed unsafe class ChunkStore
{
    private readonly ChunkPagePool _pool;
    private readonly IFrameAllocator _frames;
    private readonly ChunkHandle[] _shared;
    private readonly Pfn[] _whole;
    private int _wholePages;

    /// <summary>Makes an empty store.</summary>
    public ChunkStore(ChunkPagePool pool, IFrameAllocator frames, int objects)
    {
        _pool = pool;
        _frames = frames;
        _shared = new ChunkHandle[objects];
        _whole = new Pfn[objects];
        Array.Fill(_shared, default);
        Array.Fill(_whole, Pfn.None);
    }

    /// <summary>Pages in use.</summary>
    public int Pages => _pool.Pages + _wholePages;

    /// <summary>Stores a content.</summary>
    /// <exception cref="InsufficientMemoryException">There are no frames left.</exception>
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

    /// <summary>Removes a content.</summary>
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

    private static void Ensure(bool found)
    {
        if (!found)
        {
            throw new InsufficientMemoryException("The zone ran out of frames.");
        }
    }

    private Span<byte> Whole(int number) => new(_frames.Zone.AddressOf(_whole[number]), Pfn.FrameBytes);
}
