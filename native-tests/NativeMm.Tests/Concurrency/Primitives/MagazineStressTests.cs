using System.Diagnostics;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Primitives;
using Xunit;

namespace NativeMm.Tests.Concurrency;

public sealed class MagazineStressTests
{
    private const int ItemsMax = 4_000_000;
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1, 8)]
    [InlineData(2, 64)]
    public void Every_item_is_seen_once_by_the_owner_or_a_thief(int thieves, int capacity)
    {
        using var box = new MagazineBox(capacity, capacity);
        byte[] seen = new byte[ItemsMax + 1];
        int pushed = 0;
        long stolen = 0;
        long end = Stopwatch.GetTimestamp() + (long)(s_duration.TotalSeconds * Stopwatch.Frequency);
        int seed = Environment.TickCount;
        StartGate.RunBeside(1, _ => pushed = Own(box, seen, new Random(seed), end, () => Volatile.Read(ref stolen) > 0), thieves, (_, goesOn) =>
        {
            while (goesOn())
            {
                foreach (nuint item in box.Steal())
                {
                    seen[item]++;
                    Interlocked.Increment(ref stolen);
                }
            }
        });
        foreach (nuint item in box.Items())
        {
            seen[item]++;
        }

        int wrong = Array.FindIndex(seen, 1, pushed, count => count != 1);
        Assert.True(wrong < 0, $"Seed {seed}: item {wrong} of {pushed} was seen {(wrong < 0 ? 1 : seen[wrong])} times.");
        Assert.True(stolen > 0, "No thief ever got anything: the test shows nothing.");
    }

    private static int Own(MagazineBox box, byte[] seen, Random random, long end, Func<bool> hasThief)
    {
        int pushed = 0;
        while (Stopwatch.GetTimestamp() < end && pushed < ItemsMax - 64)
        {
            // The second half is for the thieves: they may have had no core until here.
            Assert.True(pushed < ItemsMax / 2 || SpinWait.SpinUntil(hasThief, StartGate.DefaultTimeout), "No thief comes.");
            for (int i = random.Next(1, 32); i > 0; i--)
            {
                Push(box, (nuint)(++pushed));
            }

            for (int i = random.Next(1, 40); i > 0 && box.Pop(out nuint item); i--)
            {
                seen[item]++;
            }
        }

        return pushed;

        void Push(MagazineBox into, nuint item)
        {
            while (!into.Magazine.TryPush(item))
            {
                lock (into.Guard)
                {
                    into.Magazine.Normalize();
                }

                if (into.Magazine.Count == into.Magazine.Capacity && into.Pop(out nuint popped))
                {
                    seen[popped]++;
                }
            }
        }
    }
}
