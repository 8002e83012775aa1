using NativeMm.Platform;
using NativeMm.Vmap;

namespace NativeMm.Tests.Support;

/// <summary>The lazy set of the library, in front of which a test may keep a thread waiting.</summary>
internal sealed unsafe class HookedLazySet(FreeSpaceGeometry geometry) : LazySet
{
    private readonly SortedLazySet _inner = new(geometry);
    private Action? _beforeAdd;
    private Action? _beforeDetach;
    private int _looks;

    /// <summary>How often somebody asked for the number of pieces.</summary>
    public int Looks => Volatile.Read(ref _looks);

    public override long Pieces
    {
        get
        {
            Interlocked.Increment(ref _looks);
            return _inner.Pieces;
        }
    }

    public override PageRange Span => _inner.Span;

    /// <summary>Runs once, before the next range is added: its pages are counted already.</summary>
    public void BeforeNextAdd(Action hook) => Volatile.Write(ref _beforeAdd, hook);

    /// <summary>Runs once, before the next purge takes the ranges out: it holds the purge lock already.</summary>
    public void BeforeNextDetach(Action hook) => Volatile.Write(ref _beforeDetach, hook);

    public override PlatformResult TryOpen(uint ranges) => _inner.TryOpen(ranges);

    public override void Add(PageRange range)
    {
        Interlocked.Exchange(ref _beforeAdd, null)?.Invoke();
        _inner.Add(range);
    }

    public override int Detach(PageRange* into)
    {
        Interlocked.Exchange(ref _beforeDetach, null)?.Invoke();
        return _inner.Detach(into);
    }

    public override long Validate() => _inner.Validate();

    public override void Dispose() => _inner.Dispose();
}
