using NativeMm.Tests.Unit.Zsmalloc;
using NativeMm.Zsmalloc;
using Xunit;
using Xunit.Sdk;

namespace NativeMm.Tests.Model.Zsmalloc;

/// <summary>Histories of operations give the same answers as a dictionary.</summary>
public sealed class ZsModelTests
{
    public static TheoryData<ZsLockMode, int, uint> Variants
    {
        get
        {
            TheoryData<ZsLockMode, int, uint> data = [];
            foreach (ZsLockMode mode in Enum.GetValues<ZsLockMode>())
            {
                // Two megabytes run full again and again.
                data.Add(mode, 8, 2);
                data.Add(mode, 16, 16);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Long_histories_equal_the_model(ZsLockMode mode, int chain, uint megabytes)
    {
        int seed = Environment.TickCount;
        for (int run = 0; run < 3; run++, seed++)
        {
            using var fixture = new ZsFixture(
                new ZsPoolOptions { AutoCompact = false, LockMode = mode, ChainFramesMax = chain, Stripes = run + 1 }, megabytes);
            var model = new ZsModel(fixture);
            var random = new Random(seed);
            try
            {
                for (int step = 0; step < 4000; step++)
                {
                    model.Step((uint)random.Next());
                    if (step % 500 == 0)
                    {
                        fixture.Pool.Validate();
                    }
                }

                model.Finish();
            }
            catch (Exception e)
            {
                throw new XunitException($"Seed {seed}: {e.Message}\n{model.History}", e);
            }
        }
    }
}
