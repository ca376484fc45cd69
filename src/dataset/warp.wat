;; Bilinear interpolation of up to four channels at once, each in a lane of a vector. Addresses are in bytes; rows and
;; columns begin at 0. Loops take four pixels at a time and may run over the end of a row by three, into what is written
;; after it; so all that is read and written wants 64 bytes of room after it.
(module
  (memory (export "memory") 1)

  ;; Weaves planes [size, size] int16, one for each lane, into an image [size + 4, size + 4] of vectors of float32, with
  ;; two pixels of the value outside on each side.
  (func (export "weave")
    (param $plane0 i32) (param $plane1 i32) (param $plane2 i32) (param $plane3 i32)
    (param $image i32) (param $size i32) (param $outside f32)
    (local $border v128) (local $row i32) (local $column i32) (local $at i32)
    (local $p v128) (local $q v128) (local $r v128) (local $s v128)
    (local $pq v128) (local $rs v128)
    (local.set $border (f32x4.splat (local.get $outside)))
    (local.set $at (call $fill (local.get $image) (local.get $border)
      (i32.shl (i32.add (local.get $size) (i32.const 4)) (i32.const 1))))
    (loop $rows
      (local.set $image (call $fill (local.get $at) (local.get $border) (i32.const 2)))
      (local.set $at (local.get $image))
      (local.set $column (i32.const 0))
      (loop $columns
        (local.set $p (f32x4.convert_i32x4_s (v128.load16x4_s (local.get $plane0))))
        (local.set $q (f32x4.convert_i32x4_s (v128.load16x4_s (local.get $plane1))))
        (local.set $r (f32x4.convert_i32x4_s (v128.load16x4_s (local.get $plane2))))
        (local.set $s (f32x4.convert_i32x4_s (v128.load16x4_s (local.get $plane3))))
        ;; four pixels of each plane become four planes of each pixel: p0 q0 p1 q1 and r0 s0 r1 s1, then p0 q0 r0 s0, …
        (local.set $pq (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $p) (local.get $q)))
        (local.set $rs (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $r) (local.get $s)))
        (v128.store offset=0 (local.get $at)
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $pq) (local.get $rs)))
        (v128.store offset=16 (local.get $at)
          (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $pq) (local.get $rs)))
        (local.set $pq (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $p) (local.get $q)))
        (local.set $rs (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $r) (local.get $s)))
        (v128.store offset=32 (local.get $at)
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $pq) (local.get $rs)))
        (v128.store offset=48 (local.get $at)
          (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $pq) (local.get $rs)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (local.set $plane0 (i32.add (local.get $plane0) (i32.const 8)))
        (local.set $plane1 (i32.add (local.get $plane1) (i32.const 8)))
        (local.set $plane2 (i32.add (local.get $plane2) (i32.const 8)))
        (local.set $plane3 (i32.add (local.get $plane3) (i32.const 8)))
        (br_if $columns (i32.lt_u (local.tee $column (i32.add (local.get $column) (i32.const 4))) (local.get $size))))
      (local.set $column (i32.shl (i32.sub (local.get $column) (local.get $size)) (i32.const 1)))
      (local.set $plane0 (i32.sub (local.get $plane0) (local.get $column)))
      (local.set $plane1 (i32.sub (local.get $plane1) (local.get $column)))
      (local.set $plane2 (i32.sub (local.get $plane2) (local.get $column)))
      (local.set $plane3 (i32.sub (local.get $plane3) (local.get $column)))
      (local.set $at (call $fill (i32.add (local.get $image) (i32.shl (local.get $size) (i32.const 4)))
        (local.get $border) (i32.const 2)))
      (br_if $rows (i32.lt_u (local.tee $row (i32.add (local.get $row) (i32.const 1))) (local.get $size))))
    (drop (call $fill (local.get $at) (local.get $border)
      (i32.shl (i32.add (local.get $size) (i32.const 4)) (i32.const 1)))))

  ;; Writes so many pixels of one value; gives the address after them.
  (func $fill (param $at i32) (param $value v128) (param $pixels i32) (result i32)
    (loop $next
      (v128.store (local.get $at) (local.get $value))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $next (local.tee $pixels (i32.sub (local.get $pixels) (i32.const 1)))))
    (local.get $at))

  ;; Fills planes [size, size] float32, `lanes` of them from `to` on and each `stride` bytes after the other, from an image
  ;; that `weave` made: source column = a·column + b·row + c, source row = d·column + e·row + f. `work` is room for seven
  ;; rows of vectors.
  (func (export "warp")
    (param $image i32) (param $size i32) (param $work i32) (param $to i32) (param $stride i32) (param $lanes i32)
    (param $a f64) (param $b f64) (param $c f64) (param $d f64) (param $e f64) (param $f f64)
    (local $row i32) (local $room i32) (local $line i32)
    (local.set $room (i32.add (i32.shl (local.get $size) (i32.const 2)) (i32.const 64)))
    (local.set $line (i32.add (local.get $work) (i32.shl (local.get $room) (i32.const 2))))
    (loop $rows
      (call $locate (local.get $image) (local.get $size) (local.get $line) (local.get $room)
        (f64.add (f64.mul (local.get $b) (f64.convert_i32_s (local.get $row))) (local.get $c)) (local.get $a)
        (f64.add (f64.mul (local.get $e) (f64.convert_i32_s (local.get $row))) (local.get $f)) (local.get $d))
      (call $interpolate (local.get $line) (local.get $room) (local.get $size)
        (i32.shl (i32.add (local.get $size) (i32.const 4)) (i32.const 4)) (local.get $work))
      (call $unweave (local.get $work) (local.get $size) (local.get $to) (local.get $stride) (local.get $lanes))
      (local.set $to (i32.add (local.get $to) (i32.shl (local.get $size) (i32.const 2))))
      (br_if $rows (i32.lt_u (local.tee $row (i32.add (local.get $row) (i32.const 1))) (local.get $size)))))

  ;; Where the pixels of a row come from, at x + a·column and y + d·column of an image that `weave` made: to `line` go
  ;; [size] addresses of the upper left of four pixels, then [size] ways to the right of it and [size] ways down, which
  ;; lie in 0 … 1; `room` is the way from one of the three to the next.
  (func $locate
    (param $image i32) (param $size i32) (param $line i32) (param $room i32)
    (param $x f64) (param $a f64) (param $y f64) (param $d f64)
    (local $end i32) (local $pixels v128) (local $origin v128) (local $low v128) (local $high v128)
    (local $x01 v128) (local $x23 v128) (local $y01 v128) (local $y23 v128) (local $fixedX v128) (local $fixedY v128)
    (local.set $end (i32.add (local.get $line) (i32.shl (local.get $size) (i32.const 2))))
    (local.set $pixels (i32x4.splat (i32.add (local.get $size) (i32.const 4))))
    ;; the pixel (0, 0) lies two rows and two columns into the image
    (local.set $origin (i32x4.splat (i32.add (local.get $image)
      (i32.add (i32.shl (local.get $size) (i32.const 5)) (i32.const 160)))))
    ;; of what lies at −2 and at size all four pixels are outside, so all that lies further may as well lie there
    (local.set $low (f64x2.splat (f64.const -2)))
    (local.set $high (f64x2.splat (f64.convert_i32_s (local.get $size))))
    (local.set $x01 (f64x2.replace_lane 1 (f64x2.splat (local.get $x)) (f64.add (local.get $x) (local.get $a))))
    (local.set $y01 (f64x2.replace_lane 1 (f64x2.splat (local.get $y)) (f64.add (local.get $y) (local.get $d))))
    (local.set $a (f64.add (local.get $a) (local.get $a)))
    (local.set $d (f64.add (local.get $d) (local.get $d)))
    (local.set $x23 (f64x2.add (local.get $x01) (f64x2.splat (local.get $a))))
    (local.set $y23 (f64x2.add (local.get $y01) (f64x2.splat (local.get $d))))
    (loop $columns
      ;; A float64 between 2³² and 2³³ holds its value in steps of 2⁻²⁰: added to 1.5·2³², a number leaves 2²⁰ times itself
      ;; in the lower 32 bits, rounded, negative ones too. 2.25 leaves 0x00240000.
      (local.set $fixedX (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
        (f64x2.add (f64x2.splat (f64.const 6442450944))
          (f64x2.pmin (f64x2.pmax (local.get $x01) (local.get $low)) (local.get $high)))
        (f64x2.add (f64x2.splat (f64.const 6442450944))
          (f64x2.pmin (f64x2.pmax (local.get $x23) (local.get $low)) (local.get $high)))))
      (local.set $fixedY (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
        (f64x2.add (f64x2.splat (f64.const 6442450944))
          (f64x2.pmin (f64x2.pmax (local.get $y01) (local.get $low)) (local.get $high)))
        (f64x2.add (f64x2.splat (f64.const 6442450944))
          (f64x2.pmin (f64x2.pmax (local.get $y23) (local.get $low)) (local.get $high)))))
      (v128.store (local.get $line)
        (i32x4.add (local.get $origin) (i32x4.shl
          (i32x4.add
            (i32x4.mul (i32x4.shr_s (local.get $fixedY) (i32.const 20)) (local.get $pixels))
            (i32x4.shr_s (local.get $fixedX) (i32.const 20)))
          (i32.const 4))))
      (v128.store (i32.add (local.get $line) (local.get $room))
        (f32x4.mul (f32x4.splat (f32.const 0x1p-20))
          (f32x4.convert_i32x4_s (v128.and (local.get $fixedX) (i32x4.splat (i32.const 0xfffff))))))
      (v128.store (i32.add (local.get $line) (i32.shl (local.get $room) (i32.const 1)))
        (f32x4.mul (f32x4.splat (f32.const 0x1p-20))
          (f32x4.convert_i32x4_s (v128.and (local.get $fixedY) (i32x4.splat (i32.const 0xfffff))))))
      (local.set $x01 (f64x2.add (local.get $x23) (f64x2.splat (local.get $a))))
      (local.set $y01 (f64x2.add (local.get $y23) (f64x2.splat (local.get $d))))
      (local.set $x23 (f64x2.add (local.get $x01) (f64x2.splat (local.get $a))))
      (local.set $y23 (f64x2.add (local.get $y01) (f64x2.splat (local.get $d))))
      (br_if $columns (i32.lt_u (local.tee $line (i32.add (local.get $line) (i32.const 16))) (local.get $end)))))

  ;; The pixels of a line as `locate` wrote it, [size] vectors to `woven`; `pitch` is a row of the image.
  (func $interpolate
    (param $line i32) (param $room i32) (param $size i32) (param $pitch i32) (param $woven i32)
    (local $end i32) (local $at i32) (local $below i32) (local $way v128) (local $upper v128) (local $lower v128)
    (local.set $end (i32.add (local.get $line) (i32.shl (local.get $size) (i32.const 2))))
    (loop $columns
      (local.set $at (i32.load (local.get $line)))
      (local.set $below (i32.add (local.get $at) (local.get $pitch)))
      (local.set $way (v128.load32_splat (i32.add (local.get $line) (local.get $room))))
      (local.set $upper (v128.load (local.get $at)))
      (local.set $lower (v128.load (local.get $below)))
      (local.set $upper (f32x4.add (local.get $upper) (f32x4.mul (local.get $way)
        (f32x4.sub (v128.load offset=16 (local.get $at)) (local.get $upper)))))
      (local.set $lower (f32x4.add (local.get $lower) (f32x4.mul (local.get $way)
        (f32x4.sub (v128.load offset=16 (local.get $below)) (local.get $lower)))))
      (local.set $way (v128.load32_splat (i32.add (local.get $line) (i32.shl (local.get $room) (i32.const 1)))))
      (v128.store (local.get $woven) (f32x4.add (local.get $upper) (f32x4.mul (local.get $way)
        (f32x4.sub (local.get $lower) (local.get $upper)))))
      (local.set $woven (i32.add (local.get $woven) (i32.const 16)))
      (br_if $columns (i32.lt_u (local.tee $line (i32.add (local.get $line) (i32.const 4))) (local.get $end)))))

  ;; Lays the lanes of [size] vectors side by side again: the first `lanes` of them, each `stride` bytes after the other.
  (func $unweave
    (param $woven i32) (param $size i32) (param $to i32) (param $stride i32) (param $lanes i32)
    (local $end i32) (local $at i32) (local $p v128) (local $q v128) (local $r v128) (local $s v128)
    (local $pq v128) (local $rs v128)
    (local.set $end (i32.add (local.get $to) (i32.shl (local.get $size) (i32.const 2))))
    (loop $columns
      (local.set $p (v128.load (local.get $woven)))
      (local.set $q (v128.load offset=16 (local.get $woven)))
      (local.set $r (v128.load offset=32 (local.get $woven)))
      (local.set $s (v128.load offset=48 (local.get $woven)))
      (local.set $pq (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $p) (local.get $q)))
      (local.set $rs (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $r) (local.get $s)))
      (v128.store (local.get $to)
        (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $pq) (local.get $rs)))
      (if (i32.gt_u (local.get $lanes) (i32.const 1)) (then
        (local.set $at (i32.add (local.get $to) (local.get $stride)))
        (v128.store (local.get $at)
          (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $pq) (local.get $rs)))
        (local.set $pq (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $p) (local.get $q)))
        (local.set $rs (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $r) (local.get $s)))
        (if (i32.gt_u (local.get $lanes) (i32.const 2)) (then
          (local.set $at (i32.add (local.get $at) (local.get $stride)))
          (v128.store (local.get $at)
            (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $pq) (local.get $rs)))
          (if (i32.gt_u (local.get $lanes) (i32.const 3)) (then
            (v128.store (i32.add (local.get $at) (local.get $stride))
              (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $pq) (local.get $rs)))))))))
      (local.set $woven (i32.add (local.get $woven) (i32.const 64)))
      (br_if $columns (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 16))) (local.get $end)))))

  ;; values[0 … count − 1] += offset + size · noise[0 … count − 1], the sum's parts in this order
  (func (export "shake") (param $values i32) (param $count i32) (param $offset f32) (param $noise i32) (param $size f32)
    (local $end i32)
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $count) (i32.const 2))))
    (loop $next
      (v128.store (local.get $values)
        (f32x4.add
          (f32x4.add (v128.load (local.get $values)) (f32x4.splat (local.get $offset)))
          (f32x4.mul (f32x4.splat (local.get $size)) (v128.load (local.get $noise)))))
      (local.set $noise (i32.add (local.get $noise) (i32.const 16)))
      (br_if $next (i32.lt_u (local.tee $values (i32.add (local.get $values) (i32.const 16))) (local.get $end))))))
