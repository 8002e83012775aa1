using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Live blocks with marks and the tables that say which one is replaced next, by what size. One thread at a time.</summary>
internal sealed class MarkedSet<TAllocator, THandle>
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private readonly MarkedBlock<TAllocator, THandle>[] _blocks;
    private readonly Replacement[] _script;
    private readonly int _stride;
    private MarkSource _marks;
    private int _next;

    /// <summary>Allocates the blocks.</summary>
    /// <param name="owner">Number of the thread that it is made for.</param>
    /// <param name="live">How many blocks are live.</param>
    /// <param name="script">Which one is replaced by what size, in turn; places below <paramref name="live"/>.</param>
    /// <param name="stride">A byte after every so many is written too; 0 writes the marks alone.</param>
    public MarkedSet(int owner, int live, Replacement[] script, int stride = 0)
    {
        _blocks = new MarkedBlock<TAllocator, THandle>[live];
        _script = script;
        _stride = stride;
        _marks = new MarkSource(owner);
        for (int i = 0; i < live; i++)
        {
            _blocks[i] = Alloc(script[i % script.Length].Bytes);
        }
    }

    /// <summary>Frees a block and allocates another in its place, again and again.</summary>
    public void Replace(int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            Replacement step = _script[_next];
            _next = _next + 1 < _script.Length ? _next + 1 : 0;
            _blocks[step.Place].Free();
            _blocks[step.Place] = Alloc(step.Bytes);
        }
    }

    private MarkedBlock<TAllocator, THandle> Alloc(int bytes)
    {
        MarkedBlock<TAllocator, THandle> block = MarkedBlock<TAllocator, THandle>.Alloc(bytes, _marks.Next());
        if (_stride != 0)
        {
            block.TouchEvery(_stride);
        }

        return block;
    }
}
