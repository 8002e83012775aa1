using NativeMm.Diagnostics;
using NativeMm.Eviction;

namespace NativeMm.Caching;

/// <summary>
/// Tells the policy which entries were used since it asked last. Dear ones always were, cheap ones never. The bytes are plain: a use that comes at the same moment may
/// be forgotten. The policy's numbers are those of <see cref="CacheTable.ItemOf"/>.
/// </summary>
/// <param name="table">The index.</param>
internal readonly unsafe struct CacheProbe(CacheTable* table) : IAccessProbe
{
    /// <inheritdoc/>
    public bool TestAndClear(uint number)
    {
        uint slot = CacheTable.SlotOf(table, number);
        Invariant.Assert(CacheTable.WordAt(table, slot) != 0, $"The policy asks for slot {slot}, which has no entry.");
        ref byte used = ref CacheTable.UsedAt(table, slot);
        bool wasUsed = used != 0;
        if (wasUsed)
        {
            used = 0;
        }

        return new CacheSlot(CacheTable.WordAt(table, slot)).Priority switch
        {
            CachePriority.Low => false,
            CachePriority.High => true,
            _ => wasUsed,
        };
    }
}
