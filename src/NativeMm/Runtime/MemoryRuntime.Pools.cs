using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Runtime;

/// <content>Pools of odd-sized objects over the runtime's frames.</content>
public sealed partial class MemoryRuntime
{
    private readonly FrameMigration _migration;
    private ZsPool[] _pools = [];

    /// <summary>Empties blocks of 2 MiB; the runtime's pools move their frames for it.</summary>
    public FrameMigration Migration => _migration;

    /// <summary>Makes a pool of compressed or otherwise odd-sized objects over the same frames. It goes by its own Dispose, or with the runtime.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The pool, which is the caller's to dispose.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the bookkeeping.</exception>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    public ZsPool CreateZsPool(ZsPoolOptions? options = null)
    {
        using EndGate.Visit inside = _end.Visiting(this);
        var pool = new ZsPool(_frames, options);
        try
        {
            _migration.Add(pool);
            Enter(pool);
        }
        catch (OutOfMemoryException)
        {
            _migration.Remove(pool);
            pool.Dispose();
            throw;
        }

        return pool;
    }

    private bool HasPools => Pools().Length != 0;

    /// <summary>The pools; some may be disposed.</summary>
    internal ZsPool[] Pools() => Atomic.LoadAcquire(ref _pools);

    /// <summary>Puts a pool into the list, and takes those off that are disposed. The list is made outside of the lock: it takes managed memory.</summary>
    private void Enter(ZsPool pool)
    {
        ZsPool[] before;
        ZsPool[] behind;
        do
        {
            before = Pools();
            behind = [.. before.Where(other => !other.IsDisposed), pool];
        }
        while (!Atomic.CompareExchange(ref _pools, before, behind));
        foreach (ZsPool gone in before)
        {
            if (gone.IsDisposed)
            {
                _migration.Remove(gone);
            }
        }
    }
}
