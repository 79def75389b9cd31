use moshibar_model::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let files = ModelFiles::open(std::path::Path::new(&args[1])).unwrap();
    let greedy = args.get(2).map(|s| s=="greedy").unwrap_or(false);
    let options = LoadOptions { device: DeviceChoice::Cpu, sampling: greedy.then(Sampling::greedy), ..Default::default() };
    let t = std::time::Instant::now();
    let mut g = Generator::load(&files, &options, &mut |_| ()).unwrap();
    println!("load {:?} {:?}", t.elapsed(), g.quality());
    let n = g.user_codebooks();
    let mut b = vec![]; let mut e = vec![];
    let iters: u32 = args.get(3).and_then(|s| s.parse().ok()).unwrap_or(60);
    for i in 0..iters {
        let codes: Vec<u32> = (0..n as u32).map(|k| (i*7+k*13)%200).collect();
        let (_, t) = g.step(&codes).unwrap();
        if i>=10 { b.push(t.build); e.push(t.build+t.evaluate); }
    }
    b.sort(); e.sort();
    println!("build p50 {:?} frame p50 {:?}", b[b.len()/2], e[e.len()/2]);
    let ops = g.count_operations(&vec![0; n]).unwrap();
    println!("primitives {} computing {} {:?}", ops.primitives, ops.computing, ops.by_name);
}
