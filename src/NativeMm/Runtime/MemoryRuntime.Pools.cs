using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Runtime;

/// <content>Pools of odd-sized objects over the runtime's frames.</content>
public sealed partial class MemoryRuntime
{
    private SleepLock _poolLock;
    private readonly FrameMigration _migration;
    private ZsPool[] _pools = [];

    /// <summary>Empties blocks of 2 MiB; the runtime's pools move their frames for it.</summary>
    public FrameMigration Migration => _migration;

    /// <summary>Makes a pool of compressed or otherwise odd-sized objects over the same frames. It goes by its own Dispose, or with the runtime.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the bookkeeping.</exception>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    public ZsPool CreateZsPool(ZsPoolOptions? options = null)
    {
        using EndGate.Visit inside = _end.Visiting(this);
        var pool = new ZsPool(_frames, options);
        using (_poolLock.EnterScope())
        {
            foreach (ZsPool gone in _pools.Where(other => other.IsDisposed))
            {
                _migration.Remove(gone);
            }

            _pools = [.. _pools.Where(other => !other.IsDisposed), pool];
            _migration.Add(pool);
        }

        return pool;
    }

    private bool HasPools => Pools().Length != 0;

    private ZsPool[] Pools()
    {
        using (_poolLock.EnterScope())
        {
            return _pools;
        }
    }
}
