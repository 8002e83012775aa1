using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Heap;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A thread fills its cache and dies; a new one adopts the cache while a trim pass looks for caches of the dead and empties what it finds.</summary>
internal sealed unsafe class CacheRegistryCase : Case
{
    private const int SlotCount = 8;
    private readonly int[] _holders = new int[3];

    public override string Claim => "a cache has one owner at a time, who finds what the dead one left; no item is handed out twice or lost";

    public override IReadOnlyList<BadCopy> BadCopies => [new("ThreadCacheRegistry[R1]"), new("NativeHeap[M5]")];

    public override Bounds Bounds => new(Preemptions: 2, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        Array.Clear(_holders);
        var registry = new ThreadCacheRegistry(slot: -1, isOnStack: true);
        Func<nint> make = MakeCache;
        plan.Thread("dying", () =>
            {
                Magazine magazine = ThreadCache.MagazineOf(registry.Attach(make), 0);
                Plan.Check(magazine.TryPush(1) && magazine.TryPush(2), "a fresh cache has no room");
            })
            .Thread("newcomer", () =>
            {
                ThreadCache* cache = registry.Attach(make);
                Magazine magazine = ThreadCache.MagazineOf(cache, 0);
                if (magazine.TryPop(out nuint item))
                {
                    Take(item);
                    return;
                }

                cache->Guard.Enter();
                magazine.PopRefused();
                cache->Guard.Exit();
            })
            .Thread("trim", () =>
            {
                registry.Sweep();
                ThreadCache* cache = registry.At(0);
                if (cache != null)
                {
                    Empty(cache);
                }
            })
            .AtEnd(() =>
            {
                for (int i = 0; registry.At(i) is var cache && cache != null; i++)
                {
                    List<nuint> left = [];
                    ThreadCache.MagazineOf(cache, 0).CopyTo(left);
                    left.ForEach(Take);
                }

                Plan.Check(_holders[1] == 1 && _holders[2] == 1, $"items were taken {_holders[1]} and {_holders[2]} times");
            });
    }

    private static nint MakeCache()
    {
        var cache = (ThreadCache*)Arena.Take(ThreadCache.Bytes);
        ThreadCache.MagazineOf(cache, 0).Attach(Arena.Take(Magazine.SlotBytes(SlotCount)), SlotCount);
        return (nint)cache;
    }

    private void Empty(ThreadCache* cache)
    {
        cache->Guard.Enter();
        Magazine magazine = ThreadCache.MagazineOf(cache, 0);
        MagazineTheft theft = magazine.StealBegin();
        CaseAtomics.ProcessWideFence("NativeHeap[M5]");
        foreach (nuint item in magazine.StealEnd(theft))
        {
            Take(item);
        }

        cache->Guard.Exit();
    }

    private void Take(nuint item) => Plan.Check(item is 1 or 2 && ++_holders[item] == 1, $"item {item} was handed out twice, or is none");
}
