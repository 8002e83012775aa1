using NativeMm.Tests.Unit.Primitives;
using Xunit;
using Xunit.Sdk;

namespace NativeMm.Tests.Model.Primitives;

public sealed class MagazineModelTests
{
    [Fact]
    public void Any_history_of_pushes_pops_thefts_and_resizes_equals_the_model()
    {
        int first = Environment.TickCount;
        for (int seed = first; seed < first + 300; seed++)
        {
            Run(seed);
        }
    }

    private static void Run(int seed)
    {
        var random = new Random(seed);
        int slots = random.Next(1, 12);
        using var box = new MagazineBox(slots, slots, (nuint)random.Next(128));
        var model = new MagazineModel(box);
        try
        {
            for (int step = 0; step < 400; step++)
            {
                model.Step((uint)random.Next());
            }

            model.Dispose();
        }
        catch (XunitException e)
        {
            throw new XunitException($"Seed {seed}, {slots} slots: {e.Message}{Environment.NewLine}After:{Environment.NewLine}{model.History}", e);
        }
    }
}
