using NativeMm.Tests.Unit.Heap;
using Xunit;

namespace NativeMm.Tests.Faulty.Heap;

/// <summary>
/// A workload that makes every kind of platform call that a heap makes. Each step either works or is out of memory, and content is kept.
/// </summary>
internal sealed unsafe class HeapScript(HeapFixture fixture)
{
    private readonly List<nint> _live = [];

    /// <summary>Steps that were out of memory.</summary>
    public int Refused { get; private set; }

    public void Run()
    {
        Alloc(64, 300);
        Alloc(40_000, 3);
        Alloc(3 << 20, 2);
        Free(2);
        Zeroed((3 << 20) - 5000);
        Grow(5 << 20, 40 << 20);
        Grow(100, 100_000);
        Alloc(4096, 40);
        Free(30);
        _ = fixture.Runtime.Trim();
        Alloc(16 << 10, 20);
        Free(19);
        fixture.Runtime.TrimIdle();
        fixture.Runtime.TrimIdle();
        fixture.Runtime.TrimIdle();
        Zeroed(20_000);
        Try(() => _live.Add((nint)fixture.Heap.AlignedAlloc(100, 4 << 20)));
    }

    /// <summary>Frees what was allocated.</summary>
    public void Finish() => Free(_live.Count);

    private void Alloc(int bytes, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Try(() =>
            {
                byte* block = (byte*)fixture.Heap.Alloc((nuint)bytes);
                (block[0], block[bytes - 1]) = (1, 2);
                _live.Add((nint)block);
            });
        }
    }

    private void Zeroed(int bytes) => Try(() =>
    {
        byte* block = (byte*)fixture.Heap.AllocZeroed((nuint)bytes);
        _live.Add((nint)block);
        Assert.False(new ReadOnlySpan<byte>(block, bytes).ContainsAnyExcept((byte)0));
    });

    private void Grow(int from, int to) => Try(() =>
    {
        byte* block = (byte*)fixture.Heap.Alloc((nuint)from);
        int at = _live.Count;
        _live.Add((nint)block);
        (block[0], block[from - 1]) = (3, 4);
        block = (byte*)fixture.Heap.Realloc(block, (nuint)to);
        _live[at] = (nint)block;
        Assert.Equal((3, 4), (block[0], block[from - 1]));
    });

    private void Free(int count)
    {
        for (int i = 0; i < count && _live.Count != 0; i++)
        {
            fixture.Heap.Free((void*)_live[^1]);
            _live.RemoveAt(_live.Count - 1);
        }
    }

    private void Try(Action step)
    {
        try
        {
            step();
        }
        catch (OutOfMemoryException e)
        {
            Assert.Contains("cannot allocate", e.Message, StringComparison.Ordinal);
            Refused++;
        }
    }
}
