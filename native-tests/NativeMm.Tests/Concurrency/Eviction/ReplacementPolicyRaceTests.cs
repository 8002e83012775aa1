using System.Runtime.InteropServices;
using NativeMm.Eviction;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency.Eviction;

/// <summary>Owners put their numbers in and take them out while somebody selects.</summary>
public sealed unsafe class ReplacementPolicyRaceTests
{
    private const int Items = 512;
    private const int Owners = 3;

    [Fact]
    public void Counts_close_when_owners_and_selector_are_through()
    {
        byte* metadata = (byte*)NativeMemory.AllocZeroed(Items * sizeof(uint));
        try
        {
            var race = new Race(metadata);
            race.Run();
            Assert.True(race.Policy.CountsAgree());
            Assert.Equal(race.In, (int)race.Policy.Count());
            Assert.InRange(race.Evictions, 1, long.MaxValue);
        }
        finally
        {
            NativeMemory.Free(metadata);
        }
    }

    private sealed class Race
    {
        // 0: out; 1: in; 3: in somebody's hands. Who moves it there by an exchange decides, as whoever locks a page table does.
        private readonly int[] _state = new int[Items];
        private ReuseClockPolicy _policy;

        public Race(byte* metadata)
        {
            _policy.Attach(metadata, Items, Items / 2);
        }

        public ref ReuseClockPolicy Policy => ref _policy;

        public long Evictions { get; private set; }

        public int In => _state.Count(state => state != 0);

        public void Run() => StartGate.RunBeside(Owners, Own, 1, (_, goesOn) => Select(goesOn));

        private void Own(int part)
        {
            var random = new Random(part);
            for (int i = 0; i < 40_000; i++)
            {
                int number = (random.Next(Items / Owners) * Owners) + part;
                if (Interlocked.CompareExchange(ref _state[number], 3, 0) == 0)
                {
                    _policy.Insert((uint)number, (uint)random.Next(1024));
                    Volatile.Write(ref _state[number], 1);
                }
                else if (Interlocked.CompareExchange(ref _state[number], 3, 1) == 1)
                {
                    _policy.Remove((uint)number);
                    Volatile.Write(ref _state[number], 0);
                }
            }
        }

        private void Select(Func<bool> goesOn)
        {
            uint[] victims = new uint[16];
            var probe = new Alternating();
            bool isLast;
            do
            {
                // Once more when the owners are through, for the case that it had no core until then.
                isLast = !goesOn();
                int count = _policy.Select(ref probe, victims);
                for (int i = 0; i < count; i++)
                {
                    Decide(victims[i], i % 4 == 0);
                }
            }
            while (!isLast);
        }

        private void Decide(uint number, bool stays)
        {
            if (Interlocked.CompareExchange(ref _state[number], 3, 1) != 1)
            {
                // Its owner has it in hand, and removes it or has removed it.
                return;
            }

            if (stays)
            {
                _policy.PutBack(number);
                Volatile.Write(ref _state[number], 1);
                return;
            }

            _ = _policy.Evicted(number);
            Evictions++;
            Volatile.Write(ref _state[number], 0);
        }
    }

    private struct Alternating : IAccessProbe
    {
        private uint _calls;

        public bool TestAndClear(uint number) => (++_calls & 1) == 0;
    }
}
