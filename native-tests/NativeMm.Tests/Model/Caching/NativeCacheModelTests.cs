using NativeMm.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support.Caching;
using Xunit;

namespace NativeMm.Tests.Model.Caching;

/// <summary>
/// A cache equals a dictionary with virtual time, less what its listener is told left to make room; within its limit, with sizes that change at half time.
/// </summary>
public sealed class NativeCacheModelTests
{
    private const int Steps = 4000;

    [Fact]
    public void Any_sequence_of_calls_is_that_of_a_dictionary()
    {
        int first = Environment.TickCount & 0xFFFF;
        for (int seed = first; seed < first + 12; seed++)
        {
            try
            {
                new Run(seed).Play();
            }
            catch (Exception problem)
            {
                throw new InvalidOperationException($"Seed {seed}: {problem.Message}", problem);
            }
        }
    }

    private sealed record Entry(byte[] Value, long Deadline, long Sliding, long Absolute);

    private sealed class Run(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly TestClock _clock = new();
        private readonly Dictionary<string, Entry> _model = [];
        private readonly byte[] _read = new byte[1 << 19];
        private int _keys;
        private int _longest;

        private long Now => _clock.Now.UtcTicks / TimeSpan.TicksPerMillisecond;

        public void Play()
        {
            using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 128 << 20, BackgroundTrim = false });
            long limit = 1L << _random.Next(20, 25);
            var options = new NativeCacheOptions
            {
                SizeLimit = limit,
                MaxEntryBytes = limit / 3,
                TimeProvider = _clock,
                Codec = _random.Next(2) == 0 ? PageCodecs.Default : null,
                CompressFromBytes = 256,
                Evicted = Leave,
            };
            using (var cache = new NativeCache(runtime, options))
            {
                _keys = 1 << _random.Next(3, 12);
                for (int step = 0; step < Steps; step++)
                {
                    _longest = step is 0 or (Steps / 2) ? 1 << _random.Next(1, 19) : _longest;
                    Step(cache, runtime);
                    Assert.InRange(cache.GetStatistics().UsedBytes, 1, limit);
                    if (step % 500 == 0)
                    {
                        cache.Validate();
                    }
                }

                cache.Validate();
                runtime.Validate();
            }

            RuntimeStatistics rest = runtime.GetStatistics();
            Assert.Equal(0ul, rest.InUseBytes);
            runtime.Validate();
        }

        private void Leave(in CacheEviction left)
        {
            if (left.Reason == CacheEvictionReason.Capacity)
            {
                Assert.True(_model.Remove(Convert.ToHexString(left.Key), out Entry? entry), "What left was not there.");
                Assert.Equal(entry.Value.Length, left.ValueLength);
            }
        }

        private void Step(NativeCache cache, MemoryRuntime runtime)
        {
            byte[] key = new byte[_random.Next(10) == 0 ? 300 : 8];
            BitConverter.TryWriteBytes(key, _random.Next(_keys));
            string name = Convert.ToHexString(key);
            switch (_random.Next(40))
            {
                case < 16:
                    Set(cache, key, name);
                    break;
                case < 32:
                    Get(cache, key, name);
                    break;
                case < 34:
                    Assert.Equal(_model.Remove(name, out Entry? gone) && gone.Deadline > Now, cache.Remove(key));
                    break;
                case < 37:
                    _clock.Advance(_random.Next(30));
                    break;
                case 37:
                    Assert.Equal(_model.TryGetValue(name, out Entry? there) && there.Deadline > Now, cache.Contains(key));
                    break;
                case 38 when _random.Next(30) == 0:
                    cache.Trim(_random.Next(3) == 0 ? 0.3 : 0);
                    break;
                case 39 when _random.Next(30) == 0:
                    runtime.Trim();
                    break;
                case 38 when _random.Next(40) == 0:
                    RemoveMost(cache);
                    break;
                case 38 when _random.Next(10) == 0:
                    runtime.TrimIdle();
                    break;
                case 39 when _random.Next(300) == 0:
                    cache.Clear();
                    _model.Clear();
                    break;
                default:
                    break;
            }
        }

        private void RemoveMost(NativeCache cache)
        {
            foreach ((string name, Entry entry) in _model.ToArray())
            {
                if (_random.Next(10) != 0)
                {
                    Assert.Equal(entry.Deadline > Now, cache.Remove(Convert.FromHexString(name)));
                    _model.Remove(name);
                }
            }

            cache.Trim();
        }

        private void Set(NativeCache cache, byte[] key, string name)
        {
            byte[] value = new byte[(int)(_longest * Math.Pow(_random.NextDouble(), 3))];
            if (_random.Next(2) == 0)
            {
                _random.NextBytes(value);
            }

            var options = new CacheEntryOptions { Priority = (CachePriority)_random.Next(-1, 2) };
            (long absolute, long sliding) = (long.MaxValue, 0);
            if (_random.Next(3) == 0)
            {
                int time = _random.Next(1, 500);
                options = options with { AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(time) };
                absolute = Now + time;
            }

            if (_random.Next(3) == 0)
            {
                sliding = _random.Next(1, 200);
                options = options with { SlidingExpiration = TimeSpan.FromMilliseconds(sliding) };
            }

            if (cache.Set(key, value, options))
            {
                _model[name] = new Entry(value, sliding == 0 ? absolute : long.Min(absolute, Now + sliding), sliding, absolute);
            }
            else
            {
                _model.Remove(name);
            }
        }

        private void Get(NativeCache cache, byte[] key, string name)
        {
            bool there = _model.TryGetValue(name, out Entry? entry) && entry.Deadline > Now;
            Assert.Equal(there, cache.TryGet(key, _read, out int length));
            if (there)
            {
                Assert.True(_read.AsSpan(0, length).SequenceEqual(entry!.Value), "The value is another one.");
                _model[name] = entry with { Deadline = entry.Sliding == 0 ? entry.Deadline : long.Min(entry.Absolute, Now + entry.Sliding) };
            }
        }
    }
}
