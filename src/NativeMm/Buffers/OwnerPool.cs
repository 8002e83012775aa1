using System.Numerics;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// The idle owners of one <see cref="NativeMemoryPool"/> that have no place with a thread: a stand per core, so that cores do not meet; a core that runs
/// dry (one thread rents, another returns) takes from the others before it makes new ones. Thread-safe.
/// </summary>
internal sealed class OwnerPool
{
    private const int StandsMax = 64;
    private const int SpareOwners = 4;

    private readonly NativeMemoryPool _pool;
    private readonly OwnerStand[] _stands;

    public OwnerPool(NativeMemoryPool pool)
    {
        _pool = pool;
        int count = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, StandsMax));
        _stands = new OwnerStand[count];
        for (int i = 0; i < count; i++)
        {
            _stands[i] = new OwnerStand();
            for (int owner = 0; owner < OwnerStand.RestingMin + SpareOwners; owner++)
            {
                _stands[i].TryPut(new PooledBuffer(pool));
            }
        }
    }

    /// <summary>An idle owner that has rested, or a new one.</summary>
    public PooledBuffer Get()
    {
        int home = Home();
        for (int i = 0; i < _stands.Length; i++)
        {
            if (_stands[(home + i) & (_stands.Length - 1)].TryTake() is { } owner)
            {
                return owner;
            }
        }

        return new PooledBuffer(_pool);
    }

    /// <summary>Puts an idle owner to rest; it is dropped when its core has plenty.</summary>
    public void Return(PooledBuffer owner)
    {
        if (!_stands[Home()].TryPut(owner))
        {
            owner.Retire();
        }
    }

    private int Home() => CoreId.CurrentHint.Value & (_stands.Length - 1);
}
