using NativeMm.Buffers;
using NativeMm.Extensions;
using NativeMm.SampleService;

// A whole service with NativeMm: run it and open /nativemm. With the argument "check" it asks itself for everything once and ends; with "fill SECONDS" it
// fills its memory from the managed and the native side in turn, inside one budget.
if (args is ["fill", string seconds])
{
    return await MemoryFill.RunAsync(TimeSpan.FromSeconds(int.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture)));
}

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
builder.Services.AddNativeMm(options => options.TotalMemoryLimit ??= MemoryLimit.FromShare(0.9)).AddKestrelPool();
builder.Services.AddHealthChecks().AddNativeMm();
WebApplication app = builder.Build();
app.MapHealthChecks("/health");
app.MapNativeMm(configure: options => options.AllowWithoutAuthorization = true);
app.MapPost("/reverse", static async (HttpContext context) =>
{
    using var body = new NativeMemoryStream();
    await context.Request.Body.CopyToAsync(body);
    for (long i = body.Length - 1; i >= 0; i--)
    {
        body.Position = i;
        context.Response.BodyWriter.GetSpan(1)[0] = (byte)body.ReadByte();
        context.Response.BodyWriter.Advance(1);
    }
});
if (args is not ["check"])
{
    await app.RunAsync();
    return 0;
}

app.Urls.Add("http://127.0.0.1:0");
await app.StartAsync();
int failures = await ServiceCheck.RunAsync(app.Urls.Single());
await app.StopAsync();
Console.Out.WriteLine(failures == 0 ? "the service answers" : $"{failures} answers were wrong");
return failures;
