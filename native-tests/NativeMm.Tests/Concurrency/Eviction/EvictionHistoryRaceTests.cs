using System.Runtime.InteropServices;
using NativeMm.Eviction;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency.Eviction;

public sealed unsafe class EvictionHistoryRaceTests
{
    private const int Bits = 10;
    private const int Keys = 40;

    [Fact]
    public void Nobody_gets_the_history_of_another_item_with_the_same_line()
    {
        byte* memory = (byte*)NativeMemory.AlignedAlloc(EvictionHistory.LineBytes, EvictionHistory.LineBytes);
        try
        {
            NativeMemory.Clear(memory, EvictionHistory.LineBytes);
            var race = new Race(memory);
            StartGate.Run(3, part => race.Use(part, puts: part < 2));
            Assert.Equal(0, race.Wrong);
            Assert.InRange(race.Right, 1, int.MaxValue);
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    private sealed class Race
    {
        private EvictionHistory _history;
        private int _wrong;
        private int _right;

        public Race(byte* memory) => _history.Attach(memory, 1, Bits);

        public int Wrong => _wrong;

        public int Right => _right;

        public void Use(int seed, bool puts)
        {
            var random = new Random(seed);
            for (int i = 0; i < 100_000; i++)
            {
                uint key = (uint)random.Next(Keys);
                if (puts && (i & 1) == 0)
                {
                    _history.Put(key, HistoryOf(key));
                    continue;
                }

                uint found = _history.Take(key);
                if (found != 0)
                {
                    Interlocked.Increment(ref found == HistoryOf(key) ? ref _right : ref _wrong);
                }
            }
        }

        private static uint HistoryOf(uint key) => 1000 - (key * 17);
    }
}
