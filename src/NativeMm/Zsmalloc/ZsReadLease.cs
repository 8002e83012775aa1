using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <summary>
/// The bytes of an object, readable until <see cref="Dispose"/>. While it is open the object stays where it is: compaction and migration go
/// around it, so keep it short. Dispose it exactly once, on any code path, and do not copy it.
/// </summary>
public unsafe ref struct ZsReadLease
{
    private readonly ZsEngine? _engine;
    private readonly ulong* _word;
    private readonly ZsCell _cell;
    private readonly ZsHandle _handle;
    private Zspage* _page;

    /// <summary>A lease on bytes that were copied out: there is nothing to hold.</summary>
    internal ZsReadLease(ReadOnlySpan<byte> copy) => Data = copy;

    /// <summary>A lease on bytes of the pool; the page is pinned.</summary>
    internal ZsReadLease(ReadOnlySpan<byte> data, ZsEngine engine, Zspage* page, ulong* word, ZsCell cell, ZsHandle handle)
    {
        Data = data;
        _engine = engine;
        _page = page;
        _word = word;
        _cell = cell;
        _handle = handle;
    }

    /// <summary>The object's bytes: in the pool's memory, or in the caller's scratch when the object straddles frames.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }

    /// <summary>Gives the object free to move again. A second call does nothing.</summary>
    /// <exception cref="Diagnostics.MemoryFaultException">The object was freed while it was being read.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Dispose()
    {
        Zspage* page = _page;
        if (page == null)
        {
            return;
        }

        _page = null;
        Data = default;
        bool unchanged = Atomic.LoadAcquire(ref *_word) == _cell.Bits;
        if (Zspage.Unpin(page) || !unchanged)
        {
            DisposeSlow(unchanged);
        }
    }

    // The cell of a pinned object changes in one way only: the object is freed.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void DisposeSlow(bool unchanged)
    {
        _engine!.FinishDeferred(_cell.Zspage);
        if (!unchanged)
        {
            _engine.ThrowFreedWhileUsed(_handle);
        }
    }
}
