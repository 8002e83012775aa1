using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Lab.Harness;

/// <summary>
/// Makes the processor forget what it had in its caches, for work that in a service happens once in a while: with warm caches a small case
/// would be measured in the first level and a large one in memory, and neither as it will be.
/// </summary>
internal sealed class ColdCaches
{
    private const ulong BytesMin = 16UL << 20;
    private const ulong BytesMax = 256UL << 20;

    // A cache does not always throw out the oldest line first; twice its size leaves little of what was in it.
    private const int Passes = 2;

    private readonly byte[] _other;

    /// <summary>Prepares twice as much memory as the largest cache has, as far as the system tells.</summary>
    public ColdCaches()
    {
        MachineTopology machine = MachineTopology.Read();
        ulong largest = machine.Caches.Count == 0 ? 0 : machine.Caches.Max(c => c.Bytes);
        _other = new byte[(int)Math.Clamp(2 * largest, BytesMin, BytesMax)];
    }

    /// <summary>Fills the caches of the calling thread's core with other memory. Takes some milliseconds.</summary>
    public void Empty()
    {
        for (int pass = 0; pass < Passes; pass++)
        {
            for (int at = 0; at < _other.Length; at += CacheLine.Bytes)
            {
                _other[at]++;
            }
        }
    }
}
